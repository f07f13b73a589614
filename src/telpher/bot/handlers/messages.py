"""`/start`, `/help`, `/hello`, `/whoami`, and what is neither a command nor a file."""

from __future__ import annotations

from telpher.access import Role, rights_of
from telpher.bot import views
from telpher.bot.formats import escape
from telpher.bot.handlers.accounts import take_login_page
from telpher.bot.handlers.asked import Asked
from telpher.bot.handlers.browsing import find_words
from telpher.bot.handlers.entering import first_words, tell_owner_late
from telpher.bot.handlers.folders import take_folder_name
from telpher.bot.handlers.renaming import take_new_name
from telpher.bot.handlers.sharing import take_address
from telpher.bot.handlers.where import take_text
from telpher.bot.handlers.workshop import take_parameter


async def start(asked: Asked) -> None:
    """The first words."""
    await asked.show(first_words(asked.texts, asked.person))
    # Who had closed the chat to us could not be given a menu meanwhile.
    asked.desk.menus.look_after(asked.person.id)
    await tell_owner_late(asked)


async def help_(asked: Asked) -> None:
    """What the bot can do for this person."""
    if asked.person.role is Role.GUEST:
        await asked.show(first_words(asked.texts, asked.person))
        return
    await asked.show(views.help_(asked.texts, rights_of(asked.person.role), asked.desk.identity.username))


async def hello(asked: Asked) -> None:
    """A greeting by name: also the quickest sign that the bot is awake."""
    await asked.show(views.greeting(asked.texts, asked.person.first_name))


async def whoami(asked: Asked) -> None:
    """The id that an owner needs to let somebody in."""
    await asked.show(views.who(asked.texts, asked.person.id, asked.person.role))


async def cancel(asked: Asked) -> None:
    """Ask no longer."""
    prompt = await asked.desk.prompts.answered_by(asked.chat_id, asked.person.id, None)
    if not await asked.desk.prompts.forget(asked.chat_id, asked.person.id):
        await asked.answer(asked.texts.t("cancel.nothing"))
        return
    is_rename = prompt is None or prompt.kind == "rename"
    await asked.answer(asked.texts.t("rename.cancelled" if is_rename else "cancel.done"))


async def unknown_command(asked: Asked) -> None:
    """A command that is not ours."""
    command = (asked.message.text or "").split()[0]
    await asked.answer(asked.texts.t("unknown_command.text", command=escape(command[:64])))


async def anything_else(asked: Asked) -> None:
    """A text, a place, a contact, a poll: the answer to our question, words to look for, or the moment to say what we do."""
    if asked.message.text and (
        await take_login_page(asked, asked.message.text)
        or await take_new_name(asked, asked.message.text)
        or await take_address(asked, asked.message.text)
        or await take_folder_name(asked, asked.message.text)
        or await take_text(asked, asked.message.text)
        or await take_parameter(asked, asked.message.text)
    ):
        return
    if asked.message.text and _is_address(asked.message.text):
        await asked.answer(asked.texts.t("link.text"))
        return
    if asked.message.text:
        await find_words(asked, asked.message.text, is_command=False)
        return
    await asked.answer(asked.texts.t("no_file.text"))


def _is_address(text: str) -> bool:
    return text.lower().startswith(("https://", "http://")) and len(text.split()) == 1
