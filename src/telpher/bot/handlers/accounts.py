"""`/connect` and `/accounts`: log in to a drive of one's own, and what is connected."""

from __future__ import annotations

from telpher.accounts.google_browser import query_of
from telpher.actions.connect_google import Place
from telpher.actions.personal_drives import LinkKind
from telpher.bot import account_views
from telpher.bot.callbacks import Connect, ConnectWay, DoToDrive, DriveDeed, ListDrives, OfferConnect, StopLogin
from telpher.bot.handlers.asked import Asked
from telpher.bot.views import Screen
from telpher.errors import LoginClientMissingError, LoginFailedError, LoginLinkError


async def connect(asked: Asked) -> None:
    """Which drive to connect; without a client of the operator's, what the operator has to do."""
    await asked.show(await _ways(asked))


async def offer_connect(asked: Asked, _callback: OfferConnect) -> None:
    """The same, in the pressed message."""
    await asked.put(await _ways(asked))


async def begin(asked: Asked, callback: Connect) -> None:
    """Log in to another account."""
    await _log_in(asked, callback.way)


async def stop(asked: Asked, _callback: StopLogin) -> None:
    """Wait no longer."""
    await asked.desk.connect_google.stop(asked.person.id, in_place_of=asked.pressed_message_id)
    await asked.put(account_views.stopped(asked.texts))


async def accounts(asked: Asked) -> None:
    """What is connected."""
    await asked.show(await _drives(asked))


async def list_drives(asked: Asked, _callback: ListDrives) -> None:
    """The same, in the pressed message."""
    await asked.put(await _drives(asked))


async def do_to_drive(asked: Asked, callback: DoToDrive) -> None:
    """Everything that a drive's buttons do."""
    mine, person_id, token = asked.desk.my_drives, asked.person.id, callback.token
    match callback.deed:
        case DriveDeed.SHOW:
            await asked.put(account_views.drive(asked.texts, await mine.show(person_id, token)))
        case DriveDeed.CHOOSE:
            await mine.choose(person_id, token)
            await asked.toast(asked.texts.t("accounts.switched"))
            await asked.put(account_views.drive(asked.texts, await mine.show(person_id, token)))
        case DriveDeed.LOGIN:
            card = await mine.show(person_id, token)
            if not card.is_mine or card.link.kind is LinkKind.FOLDER:
                raise LoginLinkError("there is no log-in of theirs to renew")
            await _log_in(asked, ConnectWay.WHOLE if card.sees_all else ConnectWay.CODE, card.link.account)
        case DriveDeed.SHARED:
            choices = await mine.shared_choices(person_id, token)
            await asked.put(account_views.shared_choices(asked.texts, choices, token))
        case DriveDeed.ADD_SHARED:
            await asked.put(account_views.drive(asked.texts, await mine.add_shared(person_id, token)))
        case DriveDeed.OFFER | DriveDeed.WITHDRAW:
            card = await mine.offer(person_id, token, is_for_team=callback.deed is DriveDeed.OFFER)
            await asked.put(account_views.drive(asked.texts, card))
        case DriveDeed.DISCONNECT:
            link = await mine.find(person_id, token)
            await asked.put(account_views.disconnect_question(asked.texts, link, token))
        case DriveDeed.DISCONNECT_SURELY:
            link = await mine.disconnect(person_id, token)
            await asked.put(account_views.disconnected(asked.texts, link))


async def take_login_page(asked: Asked, text: str) -> bool:
    """Take the address of the page that a log-in led back to; False when the message is none.

    The message is deleted: its address could end a log-in. How the log-in went, its own message tells.
    """
    query = query_of(text)
    if query is None:
        return False
    await asked.desk.outbox.delete_message(asked.chat_id, asked.message.message_id)
    try:
        await asked.desk.connect_google.finish(query, asked.person.id)
    except LoginLinkError:
        raise
    except LoginFailedError:
        return True
    return True


async def _ways(asked: Asked) -> Screen:
    try:
        await asked.desk.connect_google.check(asked.person.id)
    except LoginClientMissingError as error:
        return account_views.not_connected(asked.texts, error, None)
    return account_views.ways(asked.texts)


async def _log_in(asked: Asked, way: ConnectWay, renews: str = "") -> None:
    connecting, person_id = asked.desk.connect_google, asked.person.id
    place = Place(person_id, asked.chat_id, asked.pressed_message_id)
    if way is ConnectWay.CODE:
        code = await connecting.begin_code(person_id)
        await connecting.stop(person_id, in_place_of=place.message_id)
        await asked.put(account_views.code(asked.texts, code))
        await connecting.wait_for_code(place, code, key=asked.key, renews=renews)
    else:
        page = await connecting.begin_page(person_id, renews)
        await connecting.stop(person_id, in_place_of=place.message_id)
        await asked.put(account_views.page(asked.texts, page))
        await connecting.wait_for_page(place, page, renews=renews)


async def _drives(asked: Asked) -> Screen:
    return account_views.drives(asked.texts, await asked.desk.my_drives.list_for(asked.person.id))
