"""What the bot says, by symbolic key, in the person's language: `Texts.for_language(code).t(key, name=…)`.

Catalogues are gettext's, compiled at build time and read as package resources. A language that we do not speak gets English.
"""

from __future__ import annotations

import functools
import gettext
import io
from importlib.resources import files
from typing import Self

LANGUAGES = ("en", "ru")


class _Params(dict[str, object]):
    """A fact that an error did not carry leaves a mark, not a crash."""

    def __missing__(self, name: str) -> str:
        return "…"


class Texts:
    """One language's texts."""

    def __init__(self, language: str, catalogue: gettext.GNUTranslations) -> None:
        self.language = language
        self._catalogue = catalogue

    @classmethod
    def for_language(cls, code: str | None) -> Self:
        """The texts for an IETF language tag such as `en-GB`, as Telegram gives it."""
        primary = (code or "").lower().replace("_", "-").partition("-")[0]
        language = primary if primary in LANGUAGES else "en"
        return cls(language, _catalogue(language))

    def has(self, key: str) -> bool:
        """Whether there is a text for `key`."""
        return self._catalogue.gettext(key) != key

    def t(self, key: str, **params: object) -> str:
        """The text, with its placeholders filled. A key without a text gives the key itself: seen at once, never a crash."""
        return self._catalogue.gettext(key).format_map(_Params(params))

    def n(self, key: str, count: int, **params: object) -> str:
        """The form of the text that `count` takes; the placeholder {count} is filled too."""
        return self._catalogue.ngettext(key, key, count).format_map(_Params(params, count=count))


@functools.cache
def _catalogue(language: str) -> gettext.GNUTranslations:
    content = files(__package__).joinpath(f"{language}.mo").read_bytes()
    return gettext.GNUTranslations(io.BytesIO(content))
