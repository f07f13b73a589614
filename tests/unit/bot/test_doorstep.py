"""A stranger who had their answer costs no query; what might be an invitation's code still gets a few tries."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from telpher.access import Access
from telpher.bot.doorstep import Doorstep
from telpher.bot.intake import Intake
from telpher.store import Store

OWNER, STRANGER = 1001, 4004


def _message(
    update_id: int, text: str = "let me in", person_id: int = STRANGER, chat: str = "private"
) -> dict[str, Any]:
    sender = {"id": person_id, "is_bot": False, "first_name": "x"}
    about = {"message_id": update_id, "chat": {"id": person_id, "type": chat}, "from": sender, "text": text}
    return {"update_id": update_id, "message": about}


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store, [OWNER])


async def test_an_answered_strangers_updates_cost_no_query(store: Store, access: Access) -> None:
    intake = Intake(store, 1)
    intake.ignore(Doorstep(access).is_noise)
    assert await intake.accept(_message(1))
    assert await access.shall_answer_stranger(STRANGER)
    asked: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    for update_id in range(2, 100):
        assert not await intake.accept(_message(update_id))
        press = {"id": str(update_id), "from": {"id": STRANGER, "is_bot": False, "first_name": "x"}, "data": "r"}
        assert not await intake.accept({"update_id": 1000 + update_id, "callback_query": press})
    assert asked == []
    assert await intake.accept(_message(5000, person_id=OWNER))
    assert asked


async def test_a_stranger_may_still_try_a_few_codes(access: Access) -> None:
    doorstep = Doorstep(access)
    assert await access.shall_answer_stranger(STRANGER)
    tries = [doorstep.is_noise(_message(number, "/start abc")) for number in range(8)]
    assert tries == [False] * 5 + [True] * 3


async def test_in_a_group_a_stranger_is_not_heard_at_all(access: Access) -> None:
    doorstep = Doorstep(access)
    assert doorstep.is_noise(_message(1, chat="supergroup"))
    assert not doorstep.is_noise(_message(2, chat="supergroup", person_id=OWNER))


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"message": None},
        {"message": []},
        {"message": {"from": "x"}},
        {"message": {"from": {"id": "4004"}}},
        {"message": {"from": {"id": 4004}, "chat": {"type": []}}},
        {"callback_query": 7},
        {"poll": {}},
    ],
)
def test_what_looks_odd_is_left_to_the_handlers(access: Access, raw: dict[str, Any]) -> None:
    assert not Doorstep(access).is_noise(raw)
