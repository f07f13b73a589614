"""Texts are marked up, detected, counted and refused as Telegram does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.bot_over_http import BotOverHttp, Refused
from tests.driver import Person

from telpher.sandbox.service import Sandbox

ANNA = 1001


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[BotOverHttp]:
    async with BotOverHttp(sandbox) as client:
        yield client


def entity(kind: str, offset: int, length: int, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **fields}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>bold</b> <strong>s</strong>", "bold s", [entity("bold", 0, 4), entity("bold", 5, 1)]),
        ("📁 <i>it</i>", "📁 it", [entity("italic", 3, 2)]),
        ("<u>a</u><s>b</s><del>c</del><ins>d</ins>", "abcd", [entity("underline", 0, 1), entity("strikethrough", 1, 1),
                                                             entity("strikethrough", 2, 1), entity("underline", 3, 1)]),
        ("<b>a<i>b</i></b>", "ab", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        ("<b>a <code>b</code> c</b>", "a b c", [entity("bold", 0, 2), entity("code", 2, 1), entity("bold", 3, 2)]),
        ("<code><b>x</b></code>", "x", [entity("code", 0, 1)]),
        ("<pre>x\ny</pre>", "x\ny", [entity("pre", 0, 3)]),
        ('<pre><code class="language-c">int</code></pre>', "int", [entity("pre", 0, 3, language="c")]),
        ("<tg-spoiler>x</tg-spoiler><span class='tg-spoiler'>y</span>", "xy",
         [entity("spoiler", 0, 1), entity("spoiler", 1, 1)]),
        ("<blockquote>q</blockquote>\n<blockquote expandable>e</blockquote>", "q\ne",
         [entity("blockquote", 0, 1), entity("expandable_blockquote", 2, 1)]),
        ('<a href="https://example.org/?a=1&amp;b=2">x</a>', "x", [entity("text_link", 0, 1, url="https://example.org/?a=1&b=2")]),
        ("<a href=example.org>x</a>", "x", [entity("text_link", 0, 1, url="http://example.org/")]),
        ('<tg-time unix="1700000000" format="wDT">then</tg-time>', "then",
         [entity("date_time", 0, 4, unix_time=1700000000, date_time_format="wDT")]),
        ("<a>x</a>", "x", []),
        ("<B>x</>", "x", [entity("bold", 0, 1)]),
        ("&lt;&gt;&amp;&quot; &nbsp; &#1071; &#x1F600;", '<>&" &nbsp; Я 😀', []),
        ("<b></b>x", "x", []),
        ("  <b> x </b>  ", "<trimmed>", []),
    ],
)  # fmt: skip
async def test_html(bot: BotOverHttp, source: str, text: str, entities: list[dict[str, Any]]) -> None:
    message = await bot.call("sendMessage", chat_id=ANNA, text=source, parse_mode="HTML")
    if text == "<trimmed>":
        # Before the first entity and after everything else white space goes; what an entity covers stays.
        text, entities = " x", [entity("bold", 0, 2)]
    assert (message["text"], message.get("entities", [])) == (text, entities)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("я<b>x</i>", 'Unmatched end tag at byte offset 6, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<div>x</div>", 'Unsupported start tag "div" at byte offset 0'),
        ("2 < 3", 'Unsupported start tag "" at byte offset 2'),
        ("x<b", "Unclosed start tag at byte offset 1"),
        ("x<b y='", "Unclosed start tag at byte offset 1"),
        ("x<b ", 'Unclosed start tag "b" at byte offset 1'),
        ("<b>x</b ", "Unclosed end tag at byte offset 4"),
        ("<b =x>y</b>", 'Empty attribute name in the tag "b" at byte offset 0'),
        ("<tg-time unix=soon>x</tg-time>", "Invalid date specified"),
        ('<tg-time unix="1" format="td">x</tg-time>', "Invalid date format specified"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        (
            "&#xD83D;",
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
        ),
    ],
)
async def test_broken_html(bot: BotOverHttp, source: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await bot.call("sendMessage", chat_id=ANNA, text=source, parse_mode="HTML")
    assert refused.value.description == f"Bad Request: can't parse entities: {reason}"


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*b* _i_ __u__ ~s~ ||h||", "b i u s h", [entity("bold", 0, 1), entity("italic", 2, 1), entity("underline", 4, 1),
                                                 entity("strikethrough", 6, 1), entity("spoiler", 8, 1)]),
        ("📁 *b _bi_*", "📁 b bi", [entity("bold", 3, 4), entity("italic", 5, 2)]),
        ("_a __b___", "a b", [entity("italic", 0, 3), entity("underline", 2, 1)]),
        (r"1\.5 \(x\) \\", r"1.5 (x) " + "\\", []),
        ("`a*b\\`c`", "a*b`c", [entity("code", 0, 5)]),
        ("```python\nx = 1\n```", "x = 1", [entity("pre", 0, 5, language="python")]),
        ("```\nx\n``` y", "x\n y", [entity("pre", 0, 2)]),
        ("[text](https://example.org/a\\)b)", "text", [entity("text_link", 0, 4, url="https://example.org/a)b")]),
        ("![19:05](tg://time?unix=1700000000&format=t)", "19:05",
         [entity("date_time", 0, 5, unix_time=1700000000, date_time_format="t")]),
        ("[Anna](tg://user?id=1001) [Nobody](tg://user?id=7)", "Anna Nobody",
         [entity("text_mention", 0, 4, user={"id": 1001, "is_bot": False, "first_name": "Anna", "language_code": "en"})]),
        (">one\n>two\nthree", "one\ntwo\nthree", [entity("blockquote", 0, 8)]),
        (">one\n>two||", "one\ntwo", [entity("expandable_blockquote", 0, 7)]),
    ],
)  # fmt: skip
async def test_markdown_v2(bot: BotOverHttp, source: str, text: str, entities: list[dict[str, Any]]) -> None:
    message = await bot.call("sendMessage", chat_id=ANNA, text=source, parse_mode="MarkdownV2")
    assert (message["text"], message.get("entities", [])) == (text, entities)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1.5", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a-b", "Character '-' is reserved and must be escaped with the preceding '\\'"),
        ("a > b", "Character '>' is reserved and must be escaped with the preceding '\\'"),
        ("я *x", "Can't find end of Bold entity at byte offset 3"),
        ("_x", "Can't find end of Italic entity at byte offset 0"),
        ("_x__", "Can't find end of Underline entity at byte offset 2"),
        ("||x", "Can't find end of Spoiler entity at byte offset 0"),
        ("`x", "Can't find end of Code entity at byte offset 0"),
        ("```x", "Can't find end of Pre entity at byte offset 0"),
        ("```c x", "Can't find end of PreCode entity at byte offset 0"),
        ("[x](y", "Can't find end of a URL at byte offset 3"),
        ("![x]", "Custom emoji entity must contain a tg://emoji URL"),
        (">*a\n>b\nc*", "Can't find end of Bold entity at byte offset 1"),
    ],
)
async def test_broken_markdown_v2(bot: BotOverHttp, source: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await bot.call("sendMessage", chat_id=ANNA, text=source, parse_mode="MarkdownV2")
    assert refused.value.description == f"Bad Request: can't parse entities: {reason}"


async def test_old_markdown(bot: BotOverHttp) -> None:
    source = "*b* _i_ `c` [l](http://example.org/) \\_ 1.5"
    message = await bot.call("sendMessage", chat_id=ANNA, text=source, parse_mode="Markdown")
    assert message["text"] == "b i c l _ 1.5"
    assert [each["type"] for each in message["entities"]] == ["bold", "italic", "code", "text_link"]
    with pytest.raises(Refused, match="Can't find end of the entity starting at byte offset 1"):
        await bot.call("sendMessage", chat_id=ANNA, text="a_b", parse_mode="Markdown")


async def test_given_entities_pass_through_and_are_checked(bot: BotOverHttp) -> None:
    given = [entity("bold", 3, 2), entity("pre", 5, 1, language="c")]
    message = await bot.call("sendMessage", chat_id=ANNA, text="📁 abc", entities=given)
    assert message["entities"] == given
    with pytest.raises(Refused, match="ends after the end of the text"):
        await bot.call("sendMessage", chat_id=ANNA, text="📁 abc", entities=[entity("bold", 3, 9)])
    with pytest.raises(Refused, match='Can\'t find field "length"'):
        await bot.call("sendMessage", chat_id=ANNA, text="x", entities=[{"type": "bold", "offset": 0}])


async def test_limits_count_utf16_units_after_parsing(bot: BotOverHttp) -> None:
    await bot.call("sendMessage", chat_id=ANNA, text="<b>" + "📁" * 2048 + "</b>", parse_mode="HTML")
    with pytest.raises(Refused, match="message is too long"):
        await bot.call("sendMessage", chat_id=ANNA, text="📁" * 2048 + "x")
    files = {"document": ("a", b"x")}
    await bot.upload("sendDocument", files, chat_id=ANNA, caption="📁" * 512)
    with pytest.raises(Refused, match="message caption is too long"):
        await bot.upload("sendDocument", files, chat_id=ANNA, caption="📁" * 512 + "x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start", {"bot_command": ["/start"]}),
        ("/start@telpher_sandbox_bot now and /help", {"bot_command": ["/start@telpher_sandbox_bot", "/help"]}),
        ("see https://example.org/a?b=c, or example.com.", {"url": ["https://example.org/a?b=c", "example.com"]}),
        ("a/b 1/2 http://x.org/path/y", {"url": ["http://x.org/path/y"]}),
        ("📁 @boris_77 #тег $USD a@b.io", {"mention": ["@boris_77"], "hashtag": ["#тег"], "cashtag": ["$USD"], "email": ["a@b.io"]}),
        ("nothing here: 12:30, e.g. this", {}),
    ],
)  # fmt: skip
async def test_what_telegram_finds_by_itself(sandbox: Sandbox, text: str, found: dict[str, list[str]]) -> None:
    async with Person(sandbox.url, ANNA) as anna:
        message = await anna.send_text(text)
    units = message["text"].encode("utf-16-le")
    seen: dict[str, list[str]] = {}
    for each in message.get("entities", []):
        covered = units[2 * each["offset"] : 2 * (each["offset"] + each["length"])].decode("utf-16-le")
        seen.setdefault(each["type"], []).append(covered)
    assert seen == found
