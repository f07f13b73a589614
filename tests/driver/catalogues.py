"""What the bot can say, in either language, as patterns: both catalogues with their placeholders, without Telegram's tags."""

from __future__ import annotations

import functools
import html
import re
import string
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

import telpher.bot.texts

LANGUAGES = ("en", "ru")

_FOLDER = Path(telpher.bot.texts.__file__).parent
_NUMBERS = {"seconds", "minutes", "hours", "percent"}
"""Values that are nothing but digits: their texts are so short that they would be found anywhere."""
_TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Phrase:
    """One text in one language. `literals` stand before, between and after the values of `fields`: one more than these."""

    key: str
    literals: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def length(self) -> int:
        """How much of it is fixed."""
        return sum(map(len, self.literals))

    def pattern(self) -> re.Pattern[str]:
        """Finds it in what was shown; a word is never cut. Values become groups, each within one line."""
        body = re.escape(self.literals[0])
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            kind = r"\d+" if field in _NUMBERS else r"[^\n]+?"
            body += f"(?P={field})" if f"(?P<{field}>" in body else f"(?P<{field}>{kind})"
            body += re.escape(literal)
        if self.fields and not self.literals[-1]:
            body += r"(?=\n| · |$)"
        return re.compile(rf"(?<!\w){body}(?!\w)" if self.literals[-1] or not self.fields else rf"(?<!\w){body}")

    def filled(self, values: dict[str, str]) -> str:
        """With these values; what is not known stays open."""
        parts = [self.literals[0]]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            parts += [values.get(field, "…"), literal]
        return "".join(parts)


@functools.cache
def phrases(language: str) -> dict[str, tuple[Phrase, ...]]:
    """Every text's forms (one, or as many as the language has for numbers), by key."""
    with (_FOLDER / f"{language}.po").open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    found: dict[str, tuple[Phrase, ...]] = {}
    for message in messages:
        key = message.id if isinstance(message.id, str) else message.id[0]
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        found[key] = tuple(_phrase(key, form) for form in forms)
    return found


def spaced(text: str) -> str:
    """A space that keeps a number with its unit reads as a space."""
    return text.replace("\u00a0", " ")


def _phrase(key: str, text: str) -> Phrase:
    literals, fields = [""], []
    for literal, field, _, _ in string.Formatter().parse(text):
        literals[-1] += spaced(html.unescape(_TAGS.sub("", literal)))
        if field is not None:
            fields.append(field)
            literals.append("")
    return Phrase(key, tuple(literals), tuple(fields))
