"""The chat page as files: complete, self-contained, under a strict policy, and in two languages."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from telpher.sandbox.service import Sandbox

STATIC = Path(__file__).parents[2] / "src" / "telpher" / "sandbox" / "chat" / "static"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with Sandbox(state_dir=tmp_path) as sandbox, aiohttp.ClientSession(base_url=f"{sandbox.url}/") as session:
        yield session


async def test_every_part_that_is_named_is_served(page: aiohttp.ClientSession) -> None:
    waiting, seen = ["/"], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        async with page.get(address) as response:
            assert response.status == 200, address
            assert "script-src 'self'" in response.headers["Content-Security-Policy"]
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            text = await response.text()
        named = re.findall(r'["\'](/static/[^"\']+)["\']', text)
        named += [f"/static/js/{module}" for module in re.findall(r'from "\./([^"]+)"', text)]
        waiting += [each for each in dict.fromkeys(named) if each not in seen]
    shipped = {
        f"/static/{path.relative_to(STATIC)}" for path in STATIC.rglob("*") if path.suffix in {".js", ".css", ".svg"}
    }
    assert shipped == seen - {"/"}


async def test_an_unchanged_part_is_not_sent_again(page: aiohttp.ClientSession) -> None:
    async with page.get("/static/js/main.js") as first:
        etag = first.headers["ETag"]
    async with page.get("/static/js/main.js", headers={"If-None-Match": etag}) as second:
        assert (second.status, await second.read()) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../page.py", "/static/%2e%2e/page.py", "/static/js", "/static/index.html"]
)
async def test_nothing_else_is_served(page: aiohttp.ClientSession, path: str) -> None:
    async with page.get(URL(path, encoded=True)) as response:
        assert response.status == 404


def test_no_part_asks_another_server_or_parses_text_as_markup() -> None:
    for path in [*STATIC.rglob("*.js"), *STATIC.rglob("*.css"), STATIC / "index.html"]:
        text = path.read_text()
        addresses = set(re.findall(r"https?://[\w.]+", text)) - {"http://www.w3.org"}
        assert not addresses, path
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), path
        assert not re.search(r'\sstyle="|\son\w+="', text), path


def test_both_languages_have_the_same_words_and_parameters() -> None:
    text = (STATIC / "js" / "words.js").read_text()
    tables = {
        language: dict(re.findall(r'(\w+): "((?:[^"\\]|\\.)*)"', body))
        for language, body in re.findall(r"const (en|ru) = \{(.*?)\n\};", text, re.DOTALL)
    }
    assert len(tables["en"]) > 80
    assert tables["en"].keys() == tables["ru"].keys()
    for key, words in tables["en"].items():
        assert sorted(re.findall(r"\{\w+\}", words)) == sorted(re.findall(r"\{\w+\}", tables["ru"][key])), key


def test_every_word_that_is_asked_for_exists() -> None:
    words = set(re.findall(r'(\w+): "', (STATIC / "js" / "words.js").read_text()))
    for path in STATIC.rglob("*.js"):
        asked = set(re.findall(r'\bsay\("(\w+)"', path.read_text()))
        assert asked <= words, path
