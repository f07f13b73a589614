"""Pages of the documentation as messages: for those who run Telpher without a place on the web where its pages can be read.

Only what our own pages use of Markdown is known: headings, paragraphs, lists, code, bold and slanted words, links. Pure, but for
reading the package's own files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

from telpher.bot.formats import escape

_LIMIT = 3500  # of 4096 characters: https://core.telegram.org/bots/api#sendmessage
_CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`|\[((?:[^\]`]|`[^`]*`)+)\]\(([^)]+)\)|\*\*([^*]+)\*\*|\*([^*]+)\*")


def page(name: str) -> list[str]:
    """The page `docs/<name>` as messages in Telegram's HTML, each short enough. Raises FileNotFoundError."""
    return messages(resources.files("telpher").joinpath("documentation", name).read_text("utf-8"))


def messages(markdown: str) -> list[str]:
    """A message begins anew before the heading, or else the block, that would make it too long."""
    found = list(_blocks(markdown))
    made: list[list[str]] = [[]]
    for place, block in enumerate(found):
        section = [block]
        if block.startswith("<b>"):
            section += _until_heading(found[place + 1 :])
        if made[-1] and len("\n\n".join([*made[-1], *section])) > _LIMIT and len("\n\n".join(made[-1])) > _LIMIT // 4:
            made.append([])
        made[-1].append(block)
    return ["\n\n".join(blocks) for blocks in made if blocks]


def _until_heading(blocks: list[str]) -> list[str]:
    end = next((place for place, block in enumerate(blocks) if block.startswith("<b>")), len(blocks))
    return blocks[:end]


def _blocks(markdown: str) -> Iterator[str]:
    # Text, a language, code, text, a language, …
    pieces = _CODE.split(markdown)
    for place in range(0, len(pieces), 3):
        yield from (_paragraph(text.strip("\n")) for text in re.split(r"\n{2,}", pieces[place]) if text.strip())
        if place + 2 < len(pieces):
            language, code = pieces[place + 1], escape(pieces[place + 2].rstrip())
            yield f'<pre><code class="language-{language}">{code}</code></pre>' if language else f"<pre>{code}</pre>"


def _paragraph(text: str) -> str:
    if heading := re.fullmatch(r"#+ (.+)", text):
        return f"<b>{_inline(heading[1])}</b>"
    lines = re.split(r"\n(?=- )", text)
    return "\n".join(_inline(re.sub(r"^- ", "• ", re.sub(r"\n\s*", " ", line))) for line in lines)


def _inline(text: str) -> str:
    shown, end = [], 0
    for match in _INLINE.finditer(text):
        shown.append(escape(text[end : match.start()]))
        code, label, address, bold, slanted = match.groups()
        if code is not None:
            shown.append(f"<code>{escape(code)}</code>")
        elif label is not None and address.startswith("https://"):
            shown.append(f'<a href="{escape(address)}">{_inline(label)}</a>')
        elif label is not None:
            shown.append(_inline(label))
        else:
            shown.append(f"<b>{escape(bold)}</b>" if bold is not None else f"<i>{escape(slanted)}</i>")
        end = match.end()
    return "".join([*shown, escape(text[end:])])
