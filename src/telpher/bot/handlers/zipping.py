"""Several files at once: ticks in a folder's view, and a zip of what is ticked or of a whole folder."""

from __future__ import annotations

from telpher.actions.begin_sending import SendAccepted
from telpher.bot import select_views
from telpher.bot.handlers.asked import Asked
from telpher.bot.receipt_book import ReceiptView
from telpher.bot.select_callbacks import BeginSelection, ShowSelection, TickOff, TickOn, ZipTicked


async def begin(asked: Asked, callback: BeginSelection) -> None:
    """The folder's page with boxes, in the same message."""
    selection = await asked.desk.select.begin(asked.person.id, callback.token, callback.page)
    await asked.put(select_views.page(asked.texts, selection))


async def show(asked: Asked, callback: ShowSelection) -> None:
    """Another page; the ticks stay."""
    selection = await asked.desk.select.page(asked.person.id, callback.selection, callback.page)
    await asked.put(select_views.page(asked.texts, selection))


async def tick(asked: Asked, callback: TickOn | TickOff) -> None:
    """Tick an entry, or take the tick off."""
    is_ticked = isinstance(callback, TickOn)
    selection = await asked.desk.select.tick(
        asked.person.id, callback.selection, callback.token, callback.page, is_ticked=is_ticked
    )
    await asked.put(select_views.page(asked.texts, selection))


async def zip_ticked(asked: Asked, callback: ZipTicked) -> None:
    """What is ticked comes as one file."""
    accepted = await asked.desk.send_zip.request_ticked(
        asked.person.id,
        callback.selection,
        chat_id=asked.chat_id,
        reply_to=asked.pressed_message_id or None,
        key=asked.key,
    )
    await _tell(asked, accepted)


async def zip_folder(asked: Asked, token: str) -> None:
    """A folder comes as one file."""
    accepted = await asked.desk.send_zip.request_folder(
        asked.person.id, token, chat_id=asked.chat_id, reply_to=asked.pressed_message_id or None, key=asked.key
    )
    await _tell(asked, accepted)


async def _tell(asked: Asked, accepted: SendAccepted) -> None:
    await asked.toast(asked.texts.t("send.accepted" if accepted.is_new else "send.under_way"))
    await asked.desk.receipts.open(
        f"send:{accepted.job.id}",
        ReceiptView.SEND,
        accepted.job,
        chat_id=asked.chat_id,
        reply_to=asked.pressed_message_id or None,
    )
