"""Sharing in the chat: with whom, to do what, for how long, really? Each step edits the one message; nothing is shared before the last."""

from __future__ import annotations

from telegram import ForceReply

from telpher.actions.share import AddressInvalidError
from telpher.bot import share_views, views
from telpher.bot.callbacks import (
    ChooseRole,
    ChooseSpan,
    ConfirmShare,
    DoShare,
    Grantee,
    ListShares,
    RevokeAll,
    RevokeAllSurely,
    RevokeListed,
    RevokeShare,
    ShareWith,
)
from telpher.bot.handlers.asked import Asked
from telpher.bot.prompts import Prompt
from telpher.errors import TelpherError

_ASKS_FOR_ADDRESS = "share"


async def panel(asked: Asked, token: str) -> None:
    """Who may see an entry, in the message of its card."""
    back = asked.back
    await asked.put(share_views.panel(asked.texts, await asked.desk.share.state(asked.person.id, token), back))


async def share_with(asked: Asked, callback: ShareWith) -> None:
    """Anyone with the link, or an address that is asked for."""
    if callback.grantee is Grantee.LINK:
        others = await asked.desk.share.with_others(asked.person.id, callback.token, None)
        await asked.put(share_views.roles(asked.texts, others))
        return
    state = await asked.desk.share.state(asked.person.id, callback.token)
    question_id = await asked.answer(
        asked.texts.t("share.address_question", name=views.bold(state.card.entry.name)),
        ForceReply(input_field_placeholder="name@example.com"),
        reply_to=asked.pressed_message_id or None,
    )
    prompt = Prompt(question_id, callback.token, asked.pressed_message_id, "", _ASKS_FOR_ADDRESS)
    await asked.desk.prompts.ask(asked.chat_id, asked.person.id, prompt)


async def take_address(asked: Asked, text: str) -> bool:
    """Take a message as the address that was asked for; False when none was."""
    replied = asked.message.reply_to_message
    prompts = asked.desk.prompts
    prompt = await prompts.answered_by(asked.chat_id, asked.person.id, replied.message_id if replied else None)
    if prompt is None or prompt.kind != _ASKS_FOR_ADDRESS:
        return False
    try:
        others = await asked.desk.share.with_others(asked.person.id, prompt.token, text)
    except AddressInvalidError as error:
        await asked.answer(views.refusal(asked.texts, error))
        return True
    except TelpherError:
        await prompts.forget(asked.chat_id, asked.person.id)
        raise
    await prompts.forget(asked.chat_id, asked.person.id)
    # Under the address, where the person looks now; the panel above stays as it is.
    await asked.show(share_views.roles(asked.texts, others), reply_to=asked.message.message_id)
    await asked.desk.outbox.delete_message(asked.chat_id, prompt.message_id)
    return True


async def choose_role(asked: Asked, callback: ChooseRole) -> None:
    """Back to what they may do."""
    others = await asked.desk.share.others(asked.person.id, callback.target)
    await asked.put(share_views.roles(asked.texts, others))


async def choose_span(asked: Asked, callback: ChooseSpan) -> None:
    """For how long."""
    others = await asked.desk.share.others(asked.person.id, callback.target)
    await asked.put(share_views.spans(asked.texts, others, callback.role))


async def confirm(asked: Asked, callback: ConfirmShare) -> None:
    """Is that meant?"""
    share = asked.desk.share
    others = await share.others(asked.person.id, callback.target)
    ends_at = share.end_of(callback.span)
    await asked.put(share_views.confirmation(asked.texts, others, callback.role, callback.span, ends_at))


async def do(asked: Asked, callback: DoShare) -> None:
    """It is."""
    shared = await asked.desk.share.request(
        asked.person.id, callback.target, callback.role, callback.span, key=asked.key
    )
    await asked.put(share_views.done(asked.texts, shared))


async def revoke(asked: Asked, callback: RevokeShare) -> None:
    """Take one back; the entry's panel shows who is left."""
    revoked = await asked.desk.unshare.request(asked.person.id, callback.target)
    note = share_views.revoked_note(asked.texts, revoked)
    if revoked.card is None:
        await asked.put(views.Screen(note))
        return
    state = await asked.desk.share.state(asked.person.id, revoked.card.token)
    await asked.put(share_views.panel(asked.texts, state, note=f"🔒 {note}"))


async def shares(asked: Asked) -> None:
    """`/shares`."""
    await asked.show(share_views.listing(asked.texts, await asked.desk.list_shares.page(asked.person.id)))


async def list_shares(asked: Asked, callback: ListShares) -> None:
    """A page of the list, in the same message."""
    found = await asked.desk.list_shares.page(asked.person.id, callback.page)
    await asked.put(share_views.listing(asked.texts, found))


async def revoke_listed(asked: Asked, callback: RevokeListed) -> None:
    """Take one back, and show the list anew."""
    revoked = await asked.desk.unshare.request(asked.person.id, callback.target)
    found = await asked.desk.list_shares.page(asked.person.id, callback.page)
    await asked.put(share_views.listing(asked.texts, found, f"🔒 {share_views.revoked_note(asked.texts, revoked)}"))


async def ask_revoke_all(asked: Asked, _callback: RevokeAll) -> None:
    """Ask first."""
    found = await asked.desk.list_shares.page(asked.person.id)
    await asked.put(share_views.revoke_all(asked.texts, found.total))


async def revoke_all(asked: Asked, _callback: RevokeAllSurely) -> None:
    """Take everything back."""
    await asked.put(share_views.all_revoked(asked.texts, await asked.desk.unshare.all(asked.person.id)))
