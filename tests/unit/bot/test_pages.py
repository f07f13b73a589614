"""Pages of the documentation as Telegram shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from telpher.bot import pages

_DOCS = Path(__file__).parents[3] / "docs"


def test_what_our_pages_use_is_shown_as_it_is_meant() -> None:
    (shown,) = pages.messages(
        "# A *page*\n\nTwo lines\nof `x < y`, [a link](https://docs.example/a?b=1&c=2)\n\n**More** & [one `here`](other.md).\n\n"
        "```python\ndef f(*a, **b):\n\n    return a < b\n```\n\n```\nplain\n```\n\n- one\n  more\n- two\n"
    )
    assert shown.split("\n\n", 2)[:2] == [
        "<b>A <i>page</i></b>",
        'Two lines of <code>x &lt; y</code>, <a href="https://docs.example/a?b=1&amp;c=2">a link</a>',
    ]
    assert '<pre><code class="language-python">def f(*a, **b):\n\n    return a &lt; b</code></pre>' in shown
    assert "<b>More</b> &amp; one <code>here</code>." in shown
    assert "<pre>plain</pre>" in shown
    assert shown.endswith("• one more\n• two")


def test_a_long_page_is_told_in_several_messages_that_begin_with_a_heading() -> None:
    sections = [f"## Heading {number}\n\n" + "\n\n".join(["words " * 100] * 2) for number in range(8)]
    told = pages.messages("\n\n".join(sections))
    assert len(told) > 1
    assert all(len(text) < 4096 and text.startswith("<b>Heading") for text in told)
    assert "".join(told).count("words") == 8 * 200


@pytest.mark.parametrize("name", ["add-a-module.md"])
def test_the_page_that_comes_with_the_package_is_the_one_in_the_documentation(name: str) -> None:
    told = "\n\n".join(pages.page(name))
    assert pages.page(name) == pages.messages((_DOCS / name).read_text())
    assert "```" not in told
    for tag in ("b", "i", "pre", "code"):
        assert len(re.findall(rf"<{tag}\b", told)) == told.count(f"</{tag}>")
