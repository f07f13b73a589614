"""What stands in the chat: sizes, times and names in both languages, nothing unescaped, the right buttons under each state."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from telegram import InlineKeyboardMarkup

from telpher.access import EntryToken, Role
from telpher.actions.browse import Listing
from telpher.actions.cards import Card
from telpher.actions.follow_jobs import JobLine
from telpher.actions.get_back import TooBigToSendError
from telpher.bot import browse_views, formats, keyboards, receipt_views, views
from telpher.bot.callbacks import OpenFolder, OpenRoot, ShowReceipt
from telpher.bot.receipt_views import Tracked
from telpher.bot.texts import Texts
from telpher.drives.port import FOLDER_MIME_TYPE, Entry, EntryId
from telpher.errors import FileTooBigError
from telpher.jobs.port import Job, JobId, JobState
from telpher.transfers.port import Progress

EN, RU = Texts.for_language("en"), Texts.for_language("ru")
NOW = dt.datetime(2026, 11, 22, 19, 5, tzinfo=dt.UTC)


def a_card(
    name: str = "report.pdf", *, size_bytes: int | None = 2_500_000, link: str | None = None,
    can_be_starred: bool = False, is_shareable: bool = False, **more: Any
) -> Card:  # fmt: skip
    facts = {"mime_type": "application/pdf", "is_folder": False} | more
    entry = Entry(
        id=EntryId("1"), name=name, parent_id=EntryId("0"), size_bytes=size_bytes, modified_at=NOW, link=link, **facts
    )
    return Card(
        entry,
        EntryToken("tok_en"),
        "folder",
        EntryToken("par_ent"),
        can_be_starred=can_be_starred,
        is_shareable=is_shareable,
    )


def a_folder(name: str) -> Card:
    return a_card(name, size_bytes=None, is_folder=True, mime_type=FOLDER_MIME_TYPE, can_be_starred=True)


def a_job(state: JobState, number: int = 1, **more: Any) -> Job:
    values: dict[str, Any] = {
        "id": JobId(number), "key": f"save:{number}", "kind": "save_file", "lane": "transfer", "person_id": 1001,
        "account": "folder", "payload": {"name": f"file {number}.bin", "size_bytes": 1000 * number}, "state": state,
        "attempt": 1, "due_at": None, "created_at": NOW, "finished_at": None, "result": None, "error_key": None,
        "error_params": None,
    }  # fmt: skip
    return Job(**values | more)


def spaced(text: str) -> str:
    """As a person reads it: what keeps a number with its unit is a space."""
    return text.replace("\u00a0", " ")


def labels(keyboard: InlineKeyboardMarkup | None) -> list[list[str]]:
    return [[button.text for button in row] for row in keyboard.inline_keyboard] if keyboard else []


@pytest.mark.parametrize(
    ("size_bytes", "english", "russian"),
    [
        (0, "0 B", "0 Б"),
        (999, "999 B", "999 Б"),
        (1023, "1 KB", "1 КБ"),
        (1536, "1.5 KB", "1,5 КБ"),
        (20 << 20, "20 MB", "20 МБ"),
        (50 << 20, "50 MB", "50 МБ"),
        (2_500_000, "2.4 MB", "2,4 МБ"),
        (104_752_742, "99.9 MB", "99,9 МБ"),
        (104_857_599, "100 MB", "100 МБ"),
        (1 << 30, "1 GB", "1 ГБ"),
        (5 << 50, "5120 TB", "5120 ТБ"),
    ],
)
def test_sizes_read_well(size_bytes: int, english: str, russian: str) -> None:
    assert spaced(formats.size(EN, size_bytes)) == english
    assert spaced(formats.size(RU, size_bytes)) == russian


@pytest.mark.parametrize(
    ("seconds", "english"),
    [
        (0, "1 s"),
        (3.2, "4 s"),
        (59.5, "1 min"),
        (130, "2 min 10 s"),
        (1200, "20 min"),
        (3600, "1 h"),
        (11100, "3 h 5 min"),
        (200_000, "55 h"),
    ],
)
def test_durations_read_well(seconds: float, english: str) -> None:
    assert spaced(formats.duration(EN, seconds)) == english


def test_dates_read_well() -> None:
    moment = dt.datetime(2026, 5, 3, 9, 4).astimezone()
    assert spaced(formats.date(EN, moment)) == "3 May 2026, 09:04"
    assert spaced(formats.date(RU, moment)) == "3 мая 2026, 09:04"


def test_a_number_stays_on_the_line_of_its_unit() -> None:
    assert formats.size(EN, 20 << 20) == "20\u00a0MB"
    assert formats.duration(EN, 130) == "2\u00a0min 10\u00a0s"
    assert formats.date(EN, NOW).startswith("22\u00a0Nov\u00a02026, ")


def test_a_moment_carries_its_zone_and_what_to_read_without_one() -> None:
    here = formats.date(EN, NOW)
    assert formats.when(EN, NOW) == f'<tg-time unix="1795374300" format="Dt">{here}</tg-time>'
    assert formats.without_zones(f"<b>x</b> {formats.when(EN, NOW)}") == f"<b>x</b> {here}"
    assert formats.without_zones(formats.clock(NOW)) == f"{NOW.astimezone():%H:%M}"


def test_only_all_is_a_hundred_percent() -> None:
    assert formats.percent(0.9999) == 99
    assert formats.percent(1.0) == 100
    assert formats.bar(0.5) == "▰▰▰▰▰▰▱▱▱▱▱▱"


@pytest.mark.parametrize(("name", "limit"), [("a" * 300 + ".pdf", 40), ("😀" * 300, 40), ("short.txt", 40)])
def test_long_names_keep_their_end(name: str, limit: int) -> None:
    short = formats.shorten(name, limit)
    assert len(short) <= limit
    assert short[-4:] == name[-4:]


@pytest.mark.parametrize("texts", [EN, RU])
def test_a_hostile_name_stays_text(texts: Texts) -> None:
    name = '<a href="tg://user?id=1">x</a> & <b>.pdf'
    card = a_card(name)
    screens = [
        views.entry(texts, card),
        views.trashed(texts, name, 1, None),
        views.refused_file(texts, name, FileTooBigError(limit_bytes=1, size_bytes=2)),
        views.start(texts, name),
        views.greeting(texts, name),
        browse_views.listing(texts, Listing(a_folder(name), is_root=False, cards=(card,), page=0, has_more=False)),
        views.jobs(texts, [JobLine(a_job(JobState.QUEUED, payload={"name": name}), 3)], {}),
        receipt_views.saved(texts, 7, Tracked(a_job(JobState.RUNNING, payload={"name": name, "size_bytes": 5}))),
        receipt_views.album(texts, 7, [Tracked(a_job(JobState.FAILED, payload={"name": name, "size_bytes": 5}))] * 2),
    ]
    for screen in screens:
        assert "<a" not in screen.text
        assert "&lt;" in screen.text


def test_an_error_shows_its_facts_as_people_read_them() -> None:
    assert "20 MB" in spaced(views.refusal(EN, FileTooBigError(limit_bytes=20 << 20, size_bytes=25 << 20)))
    assert "20 МБ" in spaced(views.refusal(RU, FileTooBigError(limit_bytes=20 << 20, size_bytes=25 << 20)))
    assert formats.reason(EN, "error.no_such", {}) == EN.t("error.unexpected")
    assert formats.reason(EN, None) == EN.t("error.unexpected")


def test_who_one_is() -> None:
    assert views.who(EN, 1001, Role.OWNER).text == "Your id is <code>1001</code>. You are an owner here."


def test_a_listing_pages_both_ways_and_up() -> None:
    cards = (a_folder("Music"), a_card("a.txt", mime_type="text/plain"))
    screen = browse_views.listing(EN, Listing(a_folder("Docs"), is_root=False, cards=cards, page=1, has_more=True))
    assert labels(screen.keyboard) == [
        ["📁 Music"],
        ["📝 a.txt"],
        ["‹ Previous", "Next ›"],
        ["⬆️ Up", "⇅ By name", "⚙️ Folder"],
    ]
    assert screen.text == "📂 Your drive › <b>Docs</b> · page 2"


def test_an_empty_drive_invites() -> None:
    screen = browse_views.listing(EN, Listing(a_folder("x"), is_root=True, cards=(), page=0, has_more=False))
    assert "Send me a file" in screen.text
    assert labels(screen.keyboard) == [["⚙️ Folder"]]


def test_an_entrys_card_offers_what_applies() -> None:
    back = OpenFolder("par_ent", 2)
    screen = views.entry(EN, a_card(link="https://drive.example/1", can_be_starred=True), undo_id=4, back=back)
    assert labels(screen.keyboard) == [
        ["🔗 Open", "📥 Get back"],
        ["✏️ Rename", "📦 Move"],
        ["☆ Star", "🗑 Delete"],
        ["‹ Back", "↩️ Undo"],
    ]
    assert keyboards.back_in(screen.keyboard) == back
    assert labels(views.entry(EN, a_folder("Music")).keyboard) == [
        ["➕ New folder", "📤 Upload here"],
        ["☑️ Select", "🗜 Get as zip"],
        ["✏️ Rename", "📦 Move"],
        ["☆ Star", "🗑 Delete"],
    ]


def test_what_all_cards_have_stands_in_the_same_places() -> None:
    plain = a_card(can_be_starred=True)
    photo = a_card("valley.jpg", mime_type="image/jpeg", can_be_starred=True)
    shared = a_card(link="https://drive.example/1", can_be_starred=True, is_shareable=True)
    assert labels(views.entry(EN, plain).keyboard)[0] == ["📥 Get back"]
    assert labels(views.entry(EN, photo).keyboard)[0] == ["📥 Get back", "👁 Show here"]
    assert labels(views.entry(EN, shared).keyboard)[0] == ["🔗 Open"]
    for card in (plain, photo, shared):
        assert labels(views.entry(EN, card).keyboard)[-2:] == [["✏️ Rename", "📦 Move"], ["☆ Star", "🗑 Delete"]]


def test_a_link_that_is_none_makes_no_button() -> None:
    assert labels(views.entry(EN, a_card(link="javascript:alert(1)")).keyboard)[0] == ["📥 Get back", "✏️ Rename"]
    assert keyboards.link(EN, "file:///etc/passwd") is None


@pytest.mark.parametrize("back", [OpenFolder("par_ent", 3), OpenRoot(), ShowReceipt(12)])
def test_the_way_back_is_found_again(back: keyboards.Back) -> None:
    screen = views.trashed(EN, "x", 5, back)
    assert keyboards.back_in(screen.keyboard) == back
    assert keyboards.read_back(back.encode()) == back
    assert keyboards.back_in(views.trashed(EN, "x", 5, None).keyboard) is None


def test_too_big_to_send_shows_the_way_there_is() -> None:
    with_link = TooBigToSendError(limit_bytes=50 << 20, size_bytes=60 << 20, link="https://drive.example/1")
    assert labels(views.too_big_to_send(EN, "x", with_link).keyboard) == [["🔗 Open"]]
    without = TooBigToSendError(limit_bytes=50 << 20, size_bytes=60 << 20, link=None)
    screen = views.too_big_to_send(EN, "x", without)
    assert screen.keyboard is None
    assert "60 MB" in spaced(screen.text)
    assert "50 MB" in spaced(screen.text)


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        (JobState.QUEUED, [["✖️ Cancel"]]),
        (JobState.RUNNING, [["✖️ Cancel"]]),
        (JobState.WAITING, [["🔁 Retry", "✖️ Cancel"]]),
        (JobState.PAUSED, [["🔁 Retry", "✖️ Cancel"]]),
        (JobState.FAILED, [["🔁 Retry"]]),
        (JobState.CANCELLED, [["🔁 Retry"]]),
    ],
)
def test_a_receipt_offers_what_its_state_allows(state: JobState, buttons: list[list[str]]) -> None:
    job = a_job(state, error_key="error.drive_full")
    assert labels(receipt_views.saved(EN, 7, Tracked(job)).keyboard) == buttons
    sent = receipt_views.sent(EN, Tracked(job))
    assert sent is not None
    assert labels(sent.keyboard) == buttons


def test_a_receipt_tells_how_far_it_is() -> None:
    progress = Progress(done_bytes=8_808_039, total_bytes=20 << 20, bytes_per_s=3_355_443, seconds_left=3.6)
    screen = receipt_views.saved(EN, 7, Tracked(a_job(JobState.RUNNING), progress))
    assert spaced(screen.text).splitlines()[1:] == ["▰▰▰▰▰▱▱▱▱▱▱▱ 42 %", "8.4 MB of 20 MB · 3.2 MB/s · 4 s left"]
    russian = receipt_views.saved(RU, 7, Tracked(a_job(JobState.RUNNING), progress)).text
    assert spaced(russian).splitlines()[2] == "8,4 МБ из 20 МБ · 3,2 МБ/с · ещё 4 с"


def test_a_receipt_ends_verified_with_the_entrys_buttons() -> None:
    screen = receipt_views.saved(EN, 7, Tracked(a_job(JobState.SUCCEEDED), card=a_card()))
    assert "verified" in screen.text
    assert labels(screen.keyboard) == [["📥 Get back", "✏️ Rename"], ["📦 Move", "🗑 Delete"]]


def test_what_came_into_the_chat_needs_no_receipt() -> None:
    assert receipt_views.sent(EN, Tracked(a_job(JobState.SUCCEEDED))) is None


def test_an_album_is_one_message() -> None:
    tracked = [
        Tracked(a_job(JobState.SUCCEEDED, 1), card=a_card("one.jpg", size_bytes=1000)),
        Tracked(a_job(JobState.RUNNING, 2), Progress(done_bytes=500, total_bytes=2000)),
        Tracked(a_job(JobState.QUEUED, 3)),
        Tracked(a_job(JobState.FAILED, 4, error_key="error.source_gone")),
    ]
    screen = receipt_views.album(EN, 9, tracked)
    assert screen.text.splitlines()[0] == "🗂 <b>4 files</b>"
    assert "⬆️ 2. file 2.bin · 25 %" in screen.text
    assert "15 %" in screen.text.splitlines()[-1]
    assert labels(screen.keyboard) == [["1"], ["🔁 Retry", "✖️ Cancel"]]


def test_a_finished_album_says_so() -> None:
    tracked = [Tracked(a_job(JobState.SUCCEEDED, n), card=a_card(f"{n}.jpg")) for n in range(1, 8)]
    screen = receipt_views.album(RU, 9, tracked)
    assert screen.text.endswith("Все на диске, проверено")
    assert labels(screen.keyboard) == [["1", "2", "3", "4", "5"], ["6", "7"]]


def test_a_big_album_fits_a_message() -> None:
    tracked = [
        Tracked(a_job(JobState.FAILED, n, payload={"name": "&" * 255, "size_bytes": 1}, error_key="error.file_too_big"))
        for n in range(10)
    ]
    assert len(receipt_views.album(EN, 9, tracked).text) < 4096
