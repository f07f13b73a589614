"""Takes the tour's pictures anew: the same short story in English and in Russian, each view photographed as on a phone.

Run by `make screenshots`; needs chromium. Writes `docs/images/tour/<view>.<language>.png`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.async_api import Browser, ViewportSize, expect
from tests.driver import Person
from tests.driver.messages import Message, buttons_of, is_from_bot, text_of
from tests.driver.window import MISSING, Window, chromium_path, launched
from tests.screenshots import valley

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Secret, Settings

IMAGES = Path(__file__).parents[1] / "docs" / "images" / "tour"
PHONE = ViewportSize(width=390, height=760)
LIMIT_BYTES = 150_000
ANNA, BORIS = 1001, 1002

EN: Mapping[str, str] = {
    "trips": "Trips", "lisbon": "Lisbon", "papers": "Papers", "music": "Music", "photo": "Over the valley at dusk",
    "ticket": "Ticket to Lisbon.pdf", "plan": "Plan for Lisbon.docx", "budget": "Trip budget.xlsx", "song": "Tram 28.mp3",
    "lease": "Lease.pdf", "words": "lisbon", "verified": "verified", "sort": "⇅ By name", "sorted": "⇅ By date",
    "star": "☆ Star", "starred": "⭐ Unstar", "move": "📦 Move", "chooser": "Move Trip budget.xlsx",
    "template": "Folders by date and kind", "question": "Send me a path", "preview": "Today’s files", "find": "🔎",
}  # fmt: skip
RU: Mapping[str, str] = {
    "trips": "Поездки", "lisbon": "Лиссабон", "papers": "Документы", "music": "Музыка", "photo": "Над долиной в сумерках",
    "ticket": "Билет в Лиссабон.pdf", "plan": "Лиссабон, план.docx", "budget": "Смета поездки.xlsx", "song": "Трамвай 28.mp3",
    "lease": "Договор аренды.pdf", "words": "лиссабон", "verified": "проверено", "sort": "⇅ По имени", "sorted": "⇅ По дате",
    "star": "☆ Отметить", "starred": "⭐ Снять отметку", "move": "📦 Переместить", "chooser": "Куда переместить Смета",
    "template": "По папкам: дата и вид", "question": "Пришлите путь", "preview": "Сегодняшние файлы", "find": "🔎",
}  # fmt: skip


@dataclasses.dataclass
class Tour:
    """One person's way through the views, in their words."""

    person: Person
    words: Mapping[str, str]
    photograph: Callable[[str], Awaitable[None]]

    async def save(self, content: bytes, name: str, caption: str | None = None, kind: str = "document") -> Message:
        """A file lands."""
        sent = await self.person.send_file(content, self.words.get(name, name), kind, caption)
        return await self.person.wait_for(says(self.words["verified"]), after=sent)

    async def go(self) -> None:
        """All views, in the order of the tour."""
        words, person = self.words, self.person
        trips, lisbon = words["trips"], words["lisbon"]
        await self.save(b"%PDF " * 30_000, "ticket", f"/{trips}/{lisbon}")
        await self.save(b"PK" * 40_000, "plan", f"/{trips}/{lisbon}")
        await self.save(b"%PDF " * 9_000, "lease", f"/{words['papers']}")
        await self.save(b"ID3" * 900_000, "song", f"#{words['music']}", "audio")
        budget = await self.save(b"sheet " * 8_000, "budget")
        photo = await self.save(valley(), "valley.jpg", f"{words['photo']} #{trips}", "photo")
        await self.photograph("save")
        await person.press(photo, words["star"])
        await person.wait_for(has_button(words["starred"]))
        await person.ask("/files", is_from_bot)
        await self.photograph("files")
        listing = await person.ask("/files", is_from_bot)
        await person.press(listing, f"📁 {trips}")
        await person.wait_for(says(f"› {trips}"))
        await person.press(listing, words["sort"])
        await person.wait_for(has_button(words["sorted"]))
        await self.photograph("folder")
        await person.ask(words["words"], says(words["find"]))
        await self.photograph("find")
        await person.press(budget, words["move"])
        chooser = await person.wait_for(says(words["chooser"]))
        await person.press(chooser, f"📁 {trips}")
        await person.wait_for(says(words["chooser"], f"› {trips}"))
        await self.photograph("move")
        where = await person.ask("/where", is_from_bot)
        await person.press(where, words["template"])
        await person.wait_for(says(words["question"]))
        await person.ask("{year}/{month}/{kind}", says(words["preview"]))
        await self.photograph("where")


def says(*parts: str) -> Callable[[Message], bool]:
    """The bot wrote all of this."""
    return lambda message: is_from_bot(message) and all(part in text_of(message) for part in parts)


def has_button(text: str) -> Callable[[Message], bool]:
    """The bot's message has a button with this text."""
    return lambda message: is_from_bot(message) and any(button["text"] == text for button in buttons_of(message))


def check_size(path: Path) -> None:
    """Pictures stay small enough for a repository."""
    assert path.stat().st_size < LIMIT_BYTES, f"{path} has {path.stat().st_size} bytes"


async def play(browser: Browser, url: str, user_id: int, language: str, words: Mapping[str, str]) -> None:
    """The story of one person, and its pictures."""

    async def photograph(view: str) -> None:
        window = await Window.open(browser, url, size=PHONE, users=str(user_id))
        await expect(window.column(user_id).locator(".row").last).to_be_visible()
        if view == "move":
            await window.row(words["chooser"], user_id).scroll_into_view_if_needed()
        path = IMAGES / f"{view}.{language}.png"
        await window.photograph(path, quiet_ms=1200)
        check_size(path)
        assert not window.complaints, window.complaints
        await window.page.close()
        print(f"{path}: {path.stat().st_size:,} bytes")

    async with Person(url, user_id) as person:
        await Tour(person, words, photograph).go()


async def main(folder: Path) -> None:
    """Both languages, each on a drive of its own."""
    async with Sandbox(state_dir=folder / "sandbox") as sandbox, launched() as browser:
        for user_id, language, words in ((ANNA, "en", EN), (BORIS, "ru", RU)):
            settings = Settings(
                telegram_token=Secret(sandbox.token),
                owner_ids=(user_id,),
                telegram_api_url=sandbox.url,
                google_api_url=sandbox.url,
                google_oauth_url=sandbox.url,
                data_dir=folder / f"data-{language}",
                web_port=0,
            )
            async with App(settings):
                await play(browser, sandbox.url, user_id, language, words)


if __name__ == "__main__":
    if chromium_path() is None:
        sys.exit(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
