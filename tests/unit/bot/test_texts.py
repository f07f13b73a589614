"""Both catalogues are complete, agree in their placeholders, and hold exactly what the code asks for."""

from __future__ import annotations

import ast
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import telpher
from telpher.bot.texts import LANGUAGES, Texts
from telpher.errors import TelpherError

SOURCE = Path(telpher.__file__).parent
TEXTS = SOURCE / "bot" / "texts"

# What Telegram's HTML knows, as far as we use it: https://core.telegram.org/bots/api#html-style
TAGS = {"a", "b", "code", "i", "pre"}


def _catalogue(language: str) -> Catalog:
    with (TEXTS / f"{language}.po").open("rb") as file:
        return read_po(file)


def _messages(language: str) -> dict[str, Message]:
    return {_key(message): message for message in _catalogue(language) if message.id}


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _asked_for() -> tuple[set[str], set[str]]:
    """Every string of the code, and every beginning of a key that the code completes."""
    whole: set[str] = set()
    begun: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
                begun.add(str(node.values[0].value))
    return whole, {start for start in begun if start.endswith(".")}


def test_all_languages_have_the_same_keys() -> None:
    keys = {language: set(_messages(language)) for language in LANGUAGES}
    assert keys["en"] == keys["ru"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_doubtful(language: str) -> None:
    for message in _catalogue(language):
        assert all(_forms(message)), message.id
        assert not message.fuzzy or not message.id, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_form_is_there(language: str) -> None:
    catalogue = _catalogue(language)
    for message in catalogue:
        if message.pluralizable:
            assert len(_forms(message)) == catalogue.num_plurals, message.id


def test_placeholders_agree() -> None:
    russian = _messages("ru")
    for key, english in _messages("en").items():
        wanted = set().union(*(_placeholders(form) for form in _forms(english)))
        for form in _forms(russian[key]):
            assert _placeholders(form) <= wanted, key
        assert set().union(*(_placeholders(form) for form in _forms(russian[key]))) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_html_that_telegram_takes(language: str) -> None:
    class Checker(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            assert tag in TAGS
            self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    for message in _catalogue(language):
        for form in _forms(message) if message.id else []:
            checker = Checker()
            checker.feed(form)
            checker.close()
            assert not checker.open, message.id


def test_every_text_is_used() -> None:
    whole, begun = _asked_for()
    unused = [key for key in _messages("en") if key not in whole and not any(key.startswith(start) for start in begun)]
    assert not unused


def test_every_key_that_the_code_asks_for_has_a_text() -> None:
    keys = set(_messages("en"))
    missing = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"t", "n"}
            ):
                continue
            for constant in ast.walk(node.args[0]) if node.args else ():
                is_key = (
                    isinstance(constant, ast.Constant) and isinstance(constant.value, str) and "." in constant.value
                )
                if is_key and not any(key == constant.value or key.startswith(constant.value) for key in keys):
                    missing.add(constant.value)
    assert not missing


def _errors(kind: type[TelpherError] = TelpherError) -> set[type[TelpherError]]:
    return {kind}.union(*(_errors(child) for child in kind.__subclasses__()))


def test_every_error_has_a_text() -> None:
    import telpher.actions.get_back
    import telpher.bot.outbox  # noqa: F401 - for the errors that they add

    keys = set(_messages("en"))
    assert not [kind for kind in _errors() if kind.text_key not in keys]


@pytest.mark.parametrize(
    ("language", "count", "shown"),
    [
        ("en", 1, "1 file"),
        ("en", 2, "2 files"),
        ("en", 21, "21 files"),
        ("ru", 1, "1 файл"),
        ("ru", 3, "3 файла"),
        ("ru", 5, "5 файлов"),
        ("ru", 11, "11 файлов"),
        ("ru", 21, "21 файл"),
        ("ru", 112, "112 файлов"),
    ],
)
def test_plural_forms_are_right(language: str, count: int, shown: str) -> None:
    assert Texts.for_language(language).n("album.title", count) == shown


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("ru", "ru"),
        ("ru_RU", "ru"),
        ("uk", "en"),
        ("de", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_whoever_comes_is_spoken_to(code: str | None, language: str) -> None:
    assert Texts.for_language(code).language == language


def test_a_fact_that_is_missing_leaves_a_mark() -> None:
    assert "…" in Texts.for_language("en").t("error.file_too_big")


def test_a_key_without_a_text_shows_itself() -> None:
    texts = Texts.for_language("en")
    assert texts.t("no.such_key") == "no.such_key"
    assert not texts.has("no.such_key")


def test_russian_dashes_are_long() -> None:
    """An en dash between words is English."""
    forms = {
        key: message.string if isinstance(message.string, tuple) else (message.string,)
        for key, message in _messages("ru").items()
    }
    assert not [key for key, texts in forms.items() if any(" – " in text for text in texts)]
