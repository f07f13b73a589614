"""Is what a person was shown in their language, and finished? Judged by both catalogues, for everything in any chat of any scenario.

It finds whoever forgets the person's language: texts in the other one, names of texts instead of texts, and values never filled in.
"""

from __future__ import annotations

import functools
import re

from tests.driver.catalogues import LANGUAGES, phrases, spaced

from telpher.actions.path_template import FIELDS

_KEY = re.compile(r"\b[a-z_]+(?:\.[a-z0-9_]+)+\b")
_FIELD = re.compile(r"\{([a-z_]+)\}")
_WORD = re.compile(r"[^\W\d_]{2,}")
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
_SEGMENT_ENDS = re.compile(r"[\n·,:]| – | — ")
_NO_WORDS_AT_EITHER_END = re.compile(r"^[\W\d_]+|[\W\d_]+$")
# These are the same in every language.
_NAMES = re.compile(r"(?<!\S)\W*/[\w/]+|[@#]\w+|\S+://\S+")


def complaints(text: str, language: str) -> list[str]:
    """What is wrong with a text that a speaker of `language` was shown."""
    wrong = [f"the name of a text: {key}" for key in _KEY.findall(text) if key in phrases("en")]
    wrong += [f"never filled: {{{field}}}" for field in _FIELD.findall(text) if field in _fields()]
    text = _NAMES.sub("\n", spaced(text))
    for other in LANGUAGES:
        if other != language:
            sentences, words = _foreign(other, language)
            wrong += [f"in {other!r}: {sentence}" for sentence in sentences if _stands_in(sentence, text)]
            segments = {_NO_WORDS_AT_EITHER_END.sub("", segment) for segment in _SEGMENT_ENDS.split(text)}
            wrong += [f"in {other!r}: {word}" for word in sorted(segments & words)]
    if language == "ru" and len(_WORD.findall(text)) >= 6 and not _CYRILLIC.search(text):
        wrong.append("not a word of Russian")
    return wrong


def _stands_in(sentence: str, text: str) -> bool:
    return sentence in text and re.search(rf"(?<!\w){re.escape(sentence)}(?!\w)", text) is not None


@functools.cache
def _fields() -> frozenset[str]:
    named = {field for forms in phrases("en").values() for form in forms for field in form.fields}
    return frozenset(named - set(FIELDS))


@functools.cache
def _foreign(other: str, language: str) -> tuple[list[str], frozenset[str]]:
    """What gives the other language away wherever it stands, and what does so when it stands alone."""
    own = "\n".join("".join(form.literals) for forms in phrases(language).values() for form in forms)
    own_pieces = _pieces(language)
    sentences, words = set(), set()
    for piece in _pieces(other) - own_pieces:
        if len(_WORD.findall(piece)) >= 2 and len(piece) >= 7:
            if piece not in own:
                sentences.add(piece)
        else:
            words.add(piece)
    return sorted(sentences), frozenset(words)


@functools.cache
def _pieces(language: str) -> frozenset[str]:
    """Lines between the values, without the signs around them."""
    lines = (
        line
        for forms in phrases(language).values()
        for form in forms
        for literal in form.literals
        for line in _NAMES.sub("\n", literal).split("\n")
    )
    found = (_NO_WORDS_AT_EITHER_END.sub("", line) for line in lines)
    return frozenset(piece for piece in found if piece)
