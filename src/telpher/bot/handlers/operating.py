"""`/stats`, `/doctor` and `/profile`: for owners. To everybody else they are commands that do not exist."""

from __future__ import annotations

import html
import logging

from telpher import flames
from telpher.access import Role
from telpher.bot import operation_views
from telpher.bot.callbacks import CheckUp, CheckUpDeed
from telpher.bot.formats import escape
from telpher.bot.handlers import messages
from telpher.bot.handlers.asked import Asked
from telpher.bot.kinds import named_kind
from telpher.bot.views import Screen
from telpher.errors import AccessDeniedError, ComputationFailedError, TelpherError
from telpher.profiling import Recording

_log = logging.getLogger(__name__)
_CAPTION_LIMIT = 1024


async def stats(asked: Asked) -> None:
    """How it has been going, and the picture of the last day."""
    if not _is_owner(asked):
        await messages.unknown_command(asked)
        return
    operation = asked.desk.operation
    report = await operation.tell_figures.report(asked.person.id)
    text = operation_views.stats(asked.texts, report)
    try:
        picture = await operation.tell_figures.picture(report, operation_views.picture_texts(asked.texts))
    except ComputationFailedError:
        # Figures without a picture are better than neither.
        await asked.answer(text)
        return
    if len(html.unescape(text)) <= _CAPTION_LIMIT:
        await operation.outbox.send_photo(asked.chat_id, picture, text)
    else:
        await operation.outbox.send_photo(asked.chat_id, picture)
        await asked.answer(text)


async def doctor(asked: Asked) -> None:
    """Everything that Telpher depends on, looked at now."""
    if not _is_owner(asked):
        await messages.unknown_command(asked)
        return
    message_id = await asked.answer(asked.texts.t("doctor.looking"))
    screen = await _findings(asked)
    if not await asked.edit(message_id, screen):
        await asked.show(screen)


async def check_up(asked: Asked, callback: CheckUp) -> None:
    """Look again, or let go on what waits for an account."""
    if not _is_owner(asked):
        raise AccessDeniedError(f"{asked.person.id} may not operate")
    if callback.deed is CheckUpDeed.RESUME:
        count = await asked.desk.operation.resume_accounts.request(asked.person.id)
        await asked.toast(asked.texts.n("toast.resumed", count))
    await asked.put(await _findings(asked))


async def profile(asked: Asked) -> None:
    """Record the next run of a command, and send what took its time."""
    if not _is_owner(asked):
        await messages.unknown_command(asked)
        return
    kind = named_kind((asked.message.text or "").partition(" ")[2])
    if kind is None:
        await asked.answer(asked.texts.t("profile.which"))
        return

    async def tell(recording: Recording) -> None:
        try:
            await _send(asked, kind, recording)
        except TelpherError as error:
            _log.warning("a profile could not be sent: %s", error)

    asked.desk.operation.one_run.ask(kind, tell)
    await asked.answer(asked.texts.t("profile.waiting", kind=escape(kind)))


async def _send(asked: Asked, kind: str, recording: Recording) -> None:
    name = kind.strip("/").replace(" ", "_")
    outbox = asked.desk.operation.outbox
    page = flames.page(recording, kind, operation_views.flame_words(asked.texts, recording)).encode()
    took = operation_views.milliseconds(asked.texts, recording.root.total_s)
    text = asked.texts.t("profile.done", kind=escape(kind), milliseconds=took)
    await outbox.send_document(asked.chat_id, page, text, name=f"{name}.html", mime_type="text/html")
    stats = recording.stats()
    await outbox.send_document(asked.chat_id, stats, name=f"{name}.prof", mime_type="application/octet-stream")


async def _findings(asked: Asked) -> Screen:
    operation = asked.desk.operation
    found = [one async for one in operation.examine()]
    paused = len(await operation.resume_accounts.paused())
    return Screen(*operation_views.findings(asked.texts, found, paused))


def _is_owner(asked: Asked) -> bool:
    return asked.person.role is Role.OWNER
