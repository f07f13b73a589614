"""How long everything is kept: what was used yesterday stays, what nobody can use any more goes, and an idle day writes nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.databases import Database

from telpher.access import EntryRefs
from telpher.actions.housekeeping import Housekeeping
from telpher.actions.share_book import ShareBook, Target
from telpher.admission import build_admission
from telpher.bot.intake import Intake
from telpher.drives.port import EntryId
from telpher.jobs.embedded import EmbeddedQueue
from telpher.retention import build_housekeeping
from telpher.settings import Secret, Settings
from telpher.store import Store, open_store
from telpher.store.schema import (
    deliveries,
    entry_refs,
    errands,
    inbox,
    invitations,
    jobs,
    logins,
    page_cursors,
    prompts,
    receipt_jobs,
    receipts,
    selected_entries,
    selections,
    share_targets,
    shares,
    transfers,
    undo_records,
)

ANNA, BOT = 1001, 77
DAY_MS = 24 * 3600 * 1000

Row = Mapping[str, Any]


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    store = open_store(database.where)
    yield store
    await store.close()


@pytest.fixture
async def housekeeping(store: Store, tmp_path: Path) -> Housekeeping:
    settings = Settings(telegram_token=Secret("77:x"), owner_ids=(ANNA,), data_dir=tmp_path)
    intake = Intake(store, BOT)
    admission = await build_admission(settings, store=store, engine=EmbeddedQueue(store), intake=intake)
    return build_housekeeping(admission, intake, bot_id=BOT)


def ago_ms(days: float) -> int:
    return time.time_ns() // 1_000_000 - int(days * DAY_MS)


async def put(store: Store, table: sa.Table, *rows: Row) -> None:
    for row in rows:
        await store.write(lambda connection, row=row: connection.execute(sa.insert(table).values(**row)))  # type: ignore[misc]


async def left(store: Store, column: sa.Column[Any]) -> list[Any]:
    return sorted(await store.read(lambda connection: connection.scalars(sa.select(column)).all()))


def job(number: int, ended_days_ago: float | None, *, kind: str = "save_file", key: str = "") -> Row:
    return {
        "id": number,
        "key": key or f"job {number}",
        "kind": kind,
        "lane": "transfer",
        "person_id": ANNA,
        "payload": {},
        "state": "paused" if ended_days_ago is None else "succeeded",
        "created_ms": ago_ms(400),
        "finished_ms": None if ended_days_ago is None else ago_ms(ended_days_ago),
    }


def receipt(number: int, days: float, *, is_settled: bool = True) -> Row:
    common = {"view": "save", "person_id": ANNA, "chat_id": ANNA, "joined_ms": ago_ms(days), "is_settled": is_settled}
    return {"id": number, "key": str(number), "created_ms": ago_ms(days), **common}


async def test_a_finished_job_is_kept_for_a_month_and_for_as_long_as_a_receipt_tells_of_it(
    store: Store, housekeeping: Housekeeping
) -> None:
    await put(store, jobs, job(1, 29), job(2, 31), job(3, None), job(4, 31), job(5, 31))
    await put(store, jobs, {**job(6, 31), "state": "cancelled", "is_undo_due": True})
    await put(store, receipts, receipt(1, 5), receipt(2, 40), receipt(3, 40, is_settled=False))
    for receipt_id, job_id in ((1, 4), (2, 2), (3, 5)):
        await put(store, receipt_jobs, {"receipt_id": receipt_id, "job_id": job_id})
    removed = await housekeeping.clean()
    assert await left(store, jobs.c.id) == [1, 3, 4, 5, 6]
    assert await left(store, receipts.c.id) == [1, 3]
    assert await left(store, receipt_jobs.c.job_id) == [4, 5]
    assert (removed["jobs"], removed["receipts"]) == (1, 1)


async def test_how_a_file_was_sent_is_known_for_as_long_as_its_job_may_be_tried_again(
    store: Store, housekeeping: Housekeeping
) -> None:
    await put(store, jobs, job(1, None), job(2, 1))
    await put(
        store,
        deliveries,
        *(
            {"job_id": number, "state": "sending", "begun_ms": ago_ms(days)}
            for number, days in ((1, 99), (2, 99), (3, 5))
        ),
    )
    await housekeeping.clean()
    assert await left(store, deliveries.c.job_id) == [1, 3]


async def test_a_transfer_that_ended_a_month_ago_goes_and_one_that_is_under_way_never_does(
    store: Store, housekeeping: Housekeeping
) -> None:
    common = {
        "person_id": ANNA, "drive": "folder", "parent_id": "p", "name": "n", "mime_type": "m", "is_local": True,
        "boot_id": "b", "restarts": 0, "created_ms": ago_ms(400), "entry_id": "e",
    }  # fmt: skip
    await put(
        store,
        transfers,
        {**common, "id": "active", "state": "active"},
        {**common, "id": "old", "state": "verified", "finished_ms": ago_ms(31)},
        {**common, "id": "new", "state": "verified", "finished_ms": ago_ms(29)},
    )
    await housekeeping.clean()
    assert await left(store, transfers.c.id) == ["active", "new"]


async def test_undo_stays_for_a_week(store: Store, housekeeping: Housekeeping) -> None:
    common = {"person_id": ANNA, "drive": "folder", "entry_id": "e", "kind": "trash", "before": {}}
    for number, days in enumerate((0.5, 6.9, 7.1)):
        await put(store, undo_records, {"id": number, "key": str(number), "created_ms": ago_ms(days), **common})
    await housekeeping.clean()
    assert await left(store, undo_records.c.id) == [0, 1]


async def test_a_button_works_for_half_a_year_after_it_was_shown_last(store: Store, housekeeping: Housekeeping) -> None:
    refs = EntryRefs(store)
    tokens = await refs.tokens_for(ANNA, "folder", [EntryId("shown again"), EntryId("never again"), EntryId("young")])
    aged = sa.update(entry_refs).where(entry_refs.c.entry_id != "young").values(shown_ms=ago_ms(181))
    await store.write(lambda connection: connection.execute(aged))
    again = await refs.token_for(ANNA, "folder", EntryId("shown again"))
    assert again == tokens[EntryId("shown again")]
    await housekeeping.clean()
    assert await left(store, entry_refs.c.entry_id) == ["shown again", "young"]


async def test_the_same_holds_for_whom_something_is_shared_with(store: Store, housekeeping: Housekeeping) -> None:
    book = ShareBook(store)
    again, never = (Target("google", EntryId(name), None) for name in ("shown again", "never again"))
    tokens = await book.tokens_for(ANNA, [again, never])
    await store.write(lambda connection: connection.execute(sa.update(share_targets).values(shown_ms=ago_ms(181))))
    assert await book.token_for(ANNA, again) == tokens[again]
    await housekeeping.clean()
    assert await left(store, share_targets.c.entry_id) == ["shown again"]


async def test_a_share_that_is_over_goes_but_not_before_it_is_over_in_the_drive_too(
    store: Store, housekeeping: Housekeeping
) -> None:
    common = {
        "person_id": ANNA, "drive": "google", "entry_id": "e", "name": "n", "who": "", "role": "view",
        "created_ms": ago_ms(400),
    }  # fmt: skip
    await put(
        store,
        shares,
        {**common, "key": "open"},
        {**common, "key": "over", "closed_ms": ago_ms(91)},
        {**common, "key": "just over", "closed_ms": ago_ms(89)},
        {**common, "key": "being ended", "closed_ms": ago_ms(91)},
        {**common, "key": "never made", "closed_ms": ago_ms(91)},
    )
    await put(
        store,
        jobs,
        job(1, None, kind="end_share", key="end_share:being ended"),
        job(2, None, kind="end_share", key="end_share:never made:failed"),
        job(3, 5, kind="end_share", key="end_share:over"),
    )
    await housekeeping.clean()
    assert await left(store, shares.c.key) == ["being ended", "just over", "never made", "open"]


async def test_files_that_wait_for_an_answer_wait_and_everything_else_that_was_left_lying_goes(
    store: Store, housekeeping: Housekeeping
) -> None:
    common = {"person_id": ANNA, "drive": "folder", "entry_id": "e", "back": ""}
    for number, (kind, days) in enumerate((("hold", 300), ("where", 300), ("move", 31), ("move", 29))):
        await put(
            store, errands, {"id": number, "key": str(number), "kind": kind, "created_ms": ago_ms(days), **common}
        )
    for token, days in (("old", 31), ("new", 29)):
        await put(
            store,
            selections,
            {"token": token, "person_id": ANNA, "drive": "d", "folder_id": "f", "created_ms": ago_ms(days)},
        )
        await put(store, selected_entries, {"token": token, "entry_id": "e", "ticked_ms": 1})
    for listing, days in (("old", 8), ("new", 6)):
        await put(
            store,
            page_cursors,
            {
                "person_id": ANNA,
                "drive": "d",
                "listing": listing,
                "page": 1,
                "cursor": "c",
                "noted_ms": ago_ms(days),
            },
        )
    for chat_id, days in ((1, 8), (2, 6)):
        question = {"kind": "rename", "token": "t", "card_message_id": 1, "back": "", "message_id": 1}
        await put(store, prompts, {"chat_id": chat_id, "person_id": ANNA, "created_ms": ago_ms(days), **question})
    for state_hash, days in (("browser:a", 2), ("browser:b", 0.5), ("grant:1", 2), ("grant:2", 31)):
        row = {"person_id": ANNA, "chat_id": ANNA, "message_id": 1, "secret": "s", "renews": ""}
        await put(store, logins, {"state_hash": state_hash, "created_ms": ago_ms(days), **row})
    for update_id, (state, days) in enumerate((("done", 4), ("done", 2), ("new", 400), ("given_up", 4))):
        row = {"body": "{}", "replays": 0, "lone_starts": 0, "received_ms": ago_ms(days)}
        await put(store, inbox, {"bot_id": BOT, "update_id": update_id, "state": state, **row})
    for number, days in enumerate((31, 29)):
        row = {"code_hash": str(number), "role": "member", "made_by": ANNA, "ends_ms": ago_ms(days)}
        await put(store, invitations, {"key": str(number), **row})
    await housekeeping.clean()
    assert await left(store, errands.c.id) == [0, 3]
    assert await left(store, selections.c.token) == await left(store, selected_entries.c.token) == ["new"]
    assert await left(store, page_cursors.c.listing) == ["new"]
    assert await left(store, prompts.c.chat_id) == [2]
    assert await left(store, logins.c.state_hash) == ["browser:b", "grant:1"]
    assert await left(store, inbox.c.update_id) == [1, 2]
    assert await left(store, invitations.c.key) == ["1"]


async def test_when_nothing_is_old_a_days_cleaning_writes_nothing(
    store: Store, housekeeping: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, jobs, job(1, 1), job(2, None))
    await put(store, receipts, receipt(1, 1))
    await EntryRefs(store).token_for(ANNA, "folder", EntryId("x"))

    async def no_write(_work: object) -> None:
        raise AssertionError("an idle bot writes nothing")

    monkeypatch.setattr(store, "write", no_write)
    removed = await housekeeping.clean()
    assert set(removed.values()) == {0}
    assert len(removed) == 17, "no chore has failed"
    # What is shown again within the month is not noted anew, either.
    await EntryRefs(store).token_for(ANNA, "folder", EntryId("x"))
