"""`/compute`: a run is put together in one message, and that message then shows how it goes; `/compute history` lists what was run."""

from __future__ import annotations

from telegram import ForceReply

from telpher.bot import pages, setting_views, setup_views
from telpher.bot.callbacks import Callback, decode
from telpher.bot.compute_callbacks import (
    AfterRun,
    AskParameter,
    BeginLesson,
    ChooseModule,
    CompareRuns,
    ListModules,
    ListRuns,
    Next,
    OfferComparison,
    RunLike,
    RunSetup,
    SetParameter,
    ShowParameter,
    ShowPicture,
    ShowRun,
    ShowSetup,
    Tick,
    TickStrategy,
    WriteParameter,
)
from telpher.bot.handlers import compute
from telpher.bot.handlers.asked import Asked
from telpher.bot.prompts import Prompt
from telpher.bot.receipt_book import ReceiptView
from telpher.bot.setup_views import Titles
from telpher.bot.views import Screen
from telpher.errors import ParameterInvalidError, StaleButtonError, TelpherError

_LISTED = 10
_LESSON_NAME = "cython"
SETTING = "setting"
"""The kind of prompt that asks for a number."""
_HISTORY = {"history", "история"}


async def command(asked: Asked) -> None:
    """`/compute`: what can be computed; `/compute history`: what was; `/cython`: the conversation as first told."""
    words = (asked.message.text or "").split()
    if words[0][1:].partition("@")[0].lower() == _LESSON_NAME:
        await compute.compute(asked)
    elif len(words) > 1 and words[1].lower() in _HISTORY:
        await asked.show(await _history(asked))
    else:
        await asked.show(setup_views.modules(asked.texts, asked.desk.set_up_run.modules(asked.person.id)))


async def own_module(asked: Asked) -> None:
    """`/own_module`: how to add one, for those who run Telpher without DOCS_URL."""
    for text in pages.page("add-a-module.md"):
        await asked.answer(text)


async def begin_lesson(asked: Asked, _callback: BeginLesson) -> None:
    """One press starts the conversation, in this message."""
    asked.desk.run_module.check(asked.person.id)
    await asked.put(asked.desk.conversation.opening(asked.texts))


async def list_modules(asked: Asked, _callback: ListModules) -> None:
    """Back to the choice."""
    await asked.put(setup_views.modules(asked.texts, asked.desk.set_up_run.modules(asked.person.id)))


async def choose_module(asked: Asked, callback: ChooseModule) -> None:
    """Begin to put a run together."""
    begun = await asked.desk.set_up_run.begin(asked.person.id, callback.module, key=asked.key)
    await asked.put(setup_views.setup(asked.texts, begun, asked.desk.set_up_run.strategies))


async def setting(asked: Asked, callback: Callback) -> None:
    """Everything between the choice of a module and Run: each press shows the whole as it is now."""
    set_up, person_id = asked.desk.set_up_run, asked.person.id
    match callback:
        case ShowParameter(token, place):
            await asked.put(setting_views.parameter(asked.texts, await set_up.get(person_id, token), place))
            return
        case WriteParameter(token, place, written):
            shown = await set_up.write_parameter(person_id, token, place, written)
            await asked.put(setting_views.parameter(asked.texts, shown, place))
            return
        case SetParameter(token, place, option):
            shown = await set_up.set_parameter(person_id, token, place, option)
        case TickStrategy(tick, token, place):
            shown = await set_up.set_strategy(person_id, token, place, is_on=tick is Tick.ON)
        case ShowSetup(token):
            shown = await set_up.get(person_id, token)
        case RunLike(computation_id):
            shown = await set_up.begin_like(person_id, computation_id, key=asked.key)
        case _:
            raise StaleButtonError("no button of a setup")
    await asked.put(setup_views.setup(asked.texts, shown, set_up.strategies))


async def ask_parameter(asked: Asked, callback: AskParameter) -> None:
    """Ask for a number, to be written as the next message."""
    shown = await asked.desk.set_up_run.get(asked.person.id, callback.token)
    question_id = await asked.answer(
        setting_views.question(asked.texts, shown, callback.place),
        ForceReply(input_field_placeholder=str(shown.setting(callback.place))),
        reply_to=asked.pressed_message_id or None,
    )
    back = ShowParameter(callback.token, callback.place).encode()
    prompt = Prompt(question_id, callback.token, asked.pressed_message_id, back, SETTING)
    await asked.desk.prompts.ask(asked.chat_id, asked.person.id, prompt)


async def take_parameter(asked: Asked, text: str) -> bool:
    """Take a message as the number that was asked for; False when it answers no such question."""
    replied = asked.message.reply_to_message
    prompts = asked.desk.prompts
    prompt = await prompts.answered_by(asked.chat_id, asked.person.id, replied.message_id if replied else None)
    if prompt is None or prompt.kind != SETTING:
        return False
    about = decode(prompt.back)
    if not isinstance(about, ShowParameter):
        raise StaleButtonError("no question about a setting")
    set_up = asked.desk.set_up_run
    try:
        shown = await set_up.write_parameter(asked.person.id, prompt.token, about.place, text)
    except ParameterInvalidError:
        shown = await set_up.get(asked.person.id, prompt.token)
        await asked.answer(setting_views.refusal(asked.texts, shown, about.place, text))
        return True  # the question stays open
    except TelpherError:
        await prompts.forget(asked.chat_id, asked.person.id)
        raise
    await prompts.forget(asked.chat_id, asked.person.id)
    screen = setup_views.setup(asked.texts, shown, set_up.strategies)
    if not await asked.edit(prompt.card_message_id, screen):
        await asked.show(screen)
    await asked.desk.outbox.delete_message(asked.chat_id, prompt.message_id)
    return True


async def run(asked: Asked, callback: RunSetup) -> None:
    """The message becomes the run's receipt: place in the queue, progress, Cancel, times."""
    message_id = asked.pressed_message_id
    if not message_id:
        raise StaleButtonError("a button without a message")
    accepted = await asked.desk.set_up_run.run(
        asked.person.id, callback.token, chat_id=asked.chat_id, message_id=message_id
    )
    if not accepted.is_new:
        await asked.toast(asked.texts.t("compute.started_already"))
    await asked.desk.receipts.open(
        f"workshop:{callback.token}", ReceiptView.COMPUTE, accepted.job, chat_id=asked.chat_id, message_id=message_id
    )


async def after_run(asked: Asked, callback: AfterRun) -> None:
    """Another run, or the last ones, below the times that were just shown."""
    if callback.next is Next.HISTORY:
        await asked.show(await _history(asked))
    else:
        await asked.show(setup_views.modules(asked.texts, asked.desk.set_up_run.modules(asked.person.id)))


async def looking_back(asked: Asked, callback: Callback) -> None:
    """What was run before, one of it, two of it."""
    set_up, person_id = asked.desk.set_up_run, asked.person.id
    titles = _titles(asked)
    match callback:
        case ListRuns():
            screen = await _history(asked)
        case ShowRun(computation_id):
            screen = setup_views.earlier(asked.texts, titles, await set_up.earlier(person_id, computation_id))
        case OfferComparison(computation_id):
            chosen = await set_up.earlier(person_id, computation_id)
            others = await set_up.history(person_id, _LISTED)
            screen = setup_views.comparison_offer(asked.texts, titles, chosen, others)
        case CompareRuns(first_id, second_id):
            first = await set_up.earlier(person_id, first_id)
            second = await set_up.earlier(person_id, second_id)
            screen = setup_views.comparison(asked.texts, titles, first, second)
        case _:
            raise StaleButtonError("no button of the history")
    await asked.put(screen)


async def show_picture(asked: Asked, callback: ShowPicture) -> None:
    """An earlier run's picture comes below."""
    await asked.desk.set_up_run.show_again(
        asked.person.id,
        callback.computation_id,
        chat_id=asked.chat_id,
        message_id=asked.pressed_message_id,
        key=asked.key,
    )
    await asked.toast(asked.texts.t("workshop.picture_coming"))


async def _history(asked: Asked) -> Screen:
    runs = await asked.desk.set_up_run.history(asked.person.id, _LISTED)
    return setup_views.history(asked.texts, _titles(asked), runs)


def _titles(asked: Asked) -> Titles:
    set_up = asked.desk.set_up_run
    return Titles(set_up.modules(asked.person.id), set_up.strategies)
