"""The chat page in a real, headless Chromium: opened, dropped on, typed into, photographed; every complaint of the console is kept."""

from __future__ import annotations

import base64
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, async_playwright, expect

DESKTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
MISSING = "no chromium here: `apt-get install chromium fonts-noto-color-emoji` lets the tests use a browser"

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_MAKE_FILES = """
files => {
  const transfer = new DataTransfer();
  for (const [name, type, content] of files)
    transfer.items.add(new File([Uint8Array.from(atob(content), char => char.charCodeAt(0))], name, {type}));
  return transfer;
}
"""


def chromium_path() -> str | None:
    """The distribution's browser, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless browser without anything of anybody in it."""
    path = chromium_path()
    assert path, MISSING
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Window:
    """One tab with the chat page. `complaints` holds errors and warnings of the console, and requests to elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((url, "blob:", "data:"))
                else self.complaints.append(f"asked another server: {request.url}")
            ),
        )

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    @classmethod
    async def open(
        cls,
        browser: Browser,
        url: str,
        *,
        size: ViewportSize = DESKTOP,
        users: str = "1001",
        theme: str = "light",
    ) -> Window:
        """Open the page with these users' columns, and wait until the first one is there."""
        page = await browser.new_page(viewport=size)
        window = cls(page, url)
        await page.goto(f"{url}/?users={users}&theme={theme}")
        await expect(page.locator(".column").first).to_be_visible()
        return window

    def column(self, user_id: int = 1001) -> Locator:
        """One person's column."""
        return self.page.locator(f'.column[data-user-id="{user_id}"]')

    def row(self, text: str, user_id: int = 1001) -> Locator:
        """The newest message in which this text stands."""
        return self.column(user_id).locator(".row", has_text=text).last

    async def say(self, text: str, user_id: int = 1001) -> None:
        """Type into the composer and press Enter."""
        field = self.column(user_id).get_by_role("combobox", name="Message").or_(
            self.column(user_id).get_by_role("combobox", name="Сообщение")
        )  # fmt: skip
        await field.fill(text)
        await field.press("Enter")

    async def drop(
        self, files: Sequence[tuple[str, str, bytes]], user_id: int = 1001, *, way: str = "document"
    ) -> None:
        """Drag files (name, MIME type, content) over the column, and drop them on the zone for this way of sending."""
        told = [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files]
        transfer = await self.page.evaluate_handle(_MAKE_FILES, told)
        column = self.column(user_id)
        await column.dispatch_event("dragenter", {"dataTransfer": transfer})
        zone = column.locator(f'.zone[data-way="{way}"]')
        await expect(zone).to_be_visible()
        await zone.dispatch_event("dragenter", {"dataTransfer": transfer})
        await zone.dispatch_event("dragover", {"dataTransfer": transfer})
        await zone.dispatch_event("drop", {"dataTransfer": transfer})
        await expect(zone).to_be_hidden()

    async def downloaded(self, link: Locator) -> tuple[str, bytes]:
        """Click a download link: the name that the browser saves it under, and the bytes."""
        async with self.page.expect_download() as started:
            await link.click()
        download = await started.value
        return download.suggested_filename, Path(await download.path()).read_bytes()

    async def photograph(self, path: Path, *, quiet_ms: int = 400) -> None:
        """A picture of the window once its animations are over."""
        path.parent.mkdir(parents=True, exist_ok=True)
        await self.page.mouse.move(0, 0)
        await self.page.wait_for_timeout(quiet_ms)
        await self.page.screenshot(path=path, animations="disabled")
