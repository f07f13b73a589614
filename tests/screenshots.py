"""Takes the README's pictures anew: starts an offline Telegram and Telpher, plays a short story, photographs the chat page.

Run by `make screenshot`; needs chromium. Writes `docs/images/chat-light.png`, `chat-dark.png` and `chat-phone.png`.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import math
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.async_api import Browser, ViewportSize, expect
from tests.driver import Person, has_text
from tests.driver.window import MISSING, PHONE, Window, chromium_path, launched

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Secret, Settings

IMAGES = Path(__file__).parents[1] / "docs" / "images"
DESKTOP = ViewportSize(width=1280, height=860)
TALL = ViewportSize(width=1280, height=1010)
"""For the README: a whole photo, its receipt, and the drive."""
LIMIT_BYTES = 300_000
ANNA, BORIS = 1001, 1002


def valley(width: int = 1200, height: int = 760) -> bytes:
    """A JPEG of a cable car over a valley at dusk, drawn here so that it belongs to nobody else."""
    scale = 2
    w, h = width * scale, height * scale
    picture = Image.new("RGB", (w, h))
    draw = ImageDraw.Draw(picture, "RGBA")
    sky = [(0.0, (38, 60, 110)), (0.4, (196, 108, 128)), (0.62, (255, 178, 120)), (1.0, (255, 226, 178))]
    for y in range(h):
        share = y / h
        (low, a), (high, b) = next(pair for pair in itertools.pairwise(sky) if share <= pair[1][0])
        part = (share - low) / (high - low)
        draw.line([(0, y), (w, y)], tuple(round(p + (q - p) * part) for p, q in zip(a, b, strict=True)))
    sun_x, sun_y = 0.68 * w, 0.52 * h
    for radius, alpha in ((0.3, 14), (0.2, 20), (0.13, 34)):
        r = radius * h
        draw.ellipse([sun_x - r, sun_y - r, sun_x + r, sun_y + r], fill=(255, 240, 200, alpha))
    r = 0.07 * h
    draw.ellipse([sun_x - r, sun_y - r, sun_x + r, sun_y + r], fill=(255, 246, 222, 255))
    ridges = [
        (0.6, 0.1, (150, 98, 130)),
        (0.7, 0.13, (104, 74, 118)),
        (0.8, 0.12, (58, 54, 92)),
        (0.9, 0.09, (28, 36, 62)),
    ]
    for index, (level, swing, colour) in enumerate(ridges):
        waves = [(2.1 + index * 0.9, index * 1.7), (5.3 + index, index * 2.9), (13.7, index * 4.1)]
        line = [
            (
                x,
                h
                * (
                    level
                    - swing * sum(abs(math.sin(k * x / w * 2 + p)) / (n + 1) for n, (k, p) in enumerate(waves)) / 1.8
                ),
            )
            for x in range(0, w + 8, 8)
        ]
        draw.polygon([(0, h), *line, (w, h)], fill=colour)
    ink = (22, 26, 44)
    draw.line([(0, 0.16 * h), (w, 0.4 * h)], fill=ink, width=6)
    for at in (0.26, 0.82):
        x, cable_y, unit = at * w, (0.16 + 0.24 * at) * h, 0.052 * h
        draw.line([(x, cable_y), (x, cable_y + unit)], fill=ink, width=8)
        draw.rounded_rectangle(
            [x - 1.3 * unit, cable_y + unit, x + 1.3 * unit, cable_y + 2.9 * unit], unit * 0.4, fill=ink
        )
        for side in (-1, 0.12):
            left = x + side * unit
            draw.rounded_rectangle(
                [left, cable_y + 1.3 * unit, left + 0.88 * unit, cable_y + 2 * unit], 8, fill=(255, 214, 150)
            )
    stored = io.BytesIO()
    picture.resize((width, height), Image.Resampling.LANCZOS).save(stored, "JPEG", quality=88)
    return stored.getvalue()


# What the pictures show has really happened: every receipt was verified by the drive.


async def send_things(anna: Person) -> None:
    """A table and a photo land in the drive."""
    await anna.ask("/start")
    budget = await anna.send_file(b"sheet " * 60_000, "Trip budget.xlsx", "document")
    await anna.wait_for(has_text("verified"), after=budget)
    photo = await anna.send_file(valley(), "valley.jpg", "photo", "Over the valley at dusk")
    await anna.wait_for(has_text("verified"), after=photo)


async def send_report(boris: Person) -> None:
    """A report lands, told in Russian."""
    await boris.ask("/start")
    report = await boris.send_file(b"%PDF-1.7 " * 130_000, "Отчёт за квартал.pdf", "document")
    await boris.wait_for(lambda message: message["from"]["is_bot"] and "✅" in message.get("text", ""), after=report)
    await boris.send_text("/whoami")


async def compute(anna: Person) -> None:
    """The search module, three ways on this machine."""
    menu = await anna.ask("/cython")
    await anna.press(menu, "Search")
    await anna.wait_for(has_text("threads", "processes", "×"), timeout_s=240)


def shrink(path: Path) -> None:
    """Bring a picture under the limit with a palette of its own, if it is over it."""
    if path.stat().st_size < LIMIT_BYTES:
        return
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    assert path.stat().st_size < LIMIT_BYTES, f"{path} has {path.stat().st_size} bytes"


async def photograph(browser: Browser, url: str, name: str, *, size: ViewportSize, theme: str, users: str) -> None:
    window = await Window.open(browser, url, size=size, theme=theme, users=users)
    await expect(window.column().locator(".row").last).to_be_visible()
    path = IMAGES / name
    await window.photograph(path, quiet_ms=1200)
    shrink(path)
    print(f"{path}: {path.stat().st_size:,} bytes")
    assert not window.complaints, window.complaints
    await window.page.close()


async def main(folder: Path) -> None:
    async with Sandbox(state_dir=folder / "sandbox") as sandbox:
        settings = Settings(
            telegram_token=Secret(sandbox.token),
            owner_ids=(ANNA, BORIS),
            telegram_api_url=sandbox.url,
            google_api_url=sandbox.url,
            google_oauth_url=sandbox.url,
            data_dir=folder / "data",
            web_port=0,
        )
        app = App(settings)
        await app.start()
        try:
            async with Person(sandbox.url, ANNA) as anna, Person(sandbox.url, BORIS) as boris, launched() as browser:
                await send_things(anna)
                await photograph(browser, sandbox.url, "chat-phone.png", size=PHONE, theme="light", users="1001")
                await anna.ask("/files")
                await photograph(browser, sandbox.url, "chat-light.png", size=TALL, theme="light", users="1001")
                await send_report(boris)
                await compute(anna)
                await photograph(browser, sandbox.url, "chat-dark.png", size=DESKTOP, theme="dark", users="1001,1002")
        finally:
            await app.stop()


if __name__ == "__main__":
    if chromium_path() is None:
        sys.exit(MISSING)
    if os.getloadavg()[0] > 0.5:
        print(
            "This machine is busy: the figures of /compute in chat-dark.png will not be typical. Take it again when it is quiet."
        )
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))
