"""A flame graph of one recorded run, as a page of its own: nothing is loaded from anywhere. Pure.

Each bar is a function; what it called lies below it; as wide as it took long. Click a bar to see it at full width.
"""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterator

from telpher.profiling import Call, Recording

_ROW_PX = 20
_SMALLEST_SHARE = 0.0005
_DEPTH_LIMIT = 120
_PACKAGE = re.compile(r"(?:.*/)?(?:site-packages|python3\.\d+|src)/")

_PAGE = """<!DOCTYPE html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 12px system-ui, sans-serif; }}
body {{ margin: 16px; background: Canvas; color: CanvasText; }}
h1 {{ font-size: 18px; margin: 0 0 2px; }} p {{ margin: 0 0 12px; opacity: .75; }}
#graph {{ position: relative; height: {height}px; overflow: hidden; }}
.f {{ position: absolute; height: {bar}px; box-sizing: border-box; padding: 2px 4px; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis; border: 1px solid Canvas; border-radius: 4px;
  cursor: pointer; color: #16202c; font: inherit; text-align: left; }}
.f:hover, .f:focus-visible {{ outline: 2px solid Highlight; z-index: 1; }}
</style>
<h1>{title}</h1><p>{about}<br>{legend}</p><div id="graph">
{bars}
</div>
<script>
const bars = [...document.querySelectorAll(".f")];
function show(low, width) {{
  for (const bar of bars) {{
    const [x, w] = [+bar.dataset.x, +bar.dataset.w], left = (x - low) / width, right = (x + w - low) / width;
    bar.hidden = right <= 0 || left >= 1;
    bar.style.left = Math.max(0, left) * 100 + "%";
    bar.style.width = (Math.min(1, right) - Math.max(0, left)) * 100 + "%";
  }}
}}
bars.forEach(bar => bar.addEventListener("click", () => show(+bar.dataset.x, +bar.dataset.w)));
</script></html>
"""


@dataclasses.dataclass(frozen=True)
class FlameWords:
    """What is said above the bars, and in which language."""

    language: str
    about: str
    legend: str


def page(recording: Recording, title: str, words: FlameWords) -> str:
    """The whole page."""
    root = recording.root
    bars = list(_bars(root, 0, 0.0, 1.0, root.total_s or 1e-9))
    depth = 1 + max(row for row, _ in bars)
    return _PAGE.format(
        title=html.escape(title),
        language=words.language,
        about=html.escape(words.about),
        legend=html.escape(words.legend),
        height=depth * _ROW_PX + 4,
        bar=_ROW_PX,
        bars="\n".join(bar for _, bar in bars),
    )


def _bars(call: Call, row: int, left: float, width: float, whole_s: float) -> Iterator[tuple[int, str]]:
    file, line, name = call.where
    shown_file = _PACKAGE.sub("", file)
    hint = f"{name}\n{shown_file}:{line}\n{_time(call.total_s)} ({call.total_s / whole_s:.1%}), {call.count}×, own {_time(call.own_s)}"
    place = f"left:{left:.4%};width:{width:.4%};top:{row * _ROW_PX}px;background:{_colour(shown_file, name)}"
    data = f'data-x="{left:.6f}" data-w="{width:.6f}"'
    yield row, f'<button class="f" {data} title="{html.escape(hint)}" style="{place}">{html.escape(name)}</button>'
    if row >= _DEPTH_LIMIT or not call.total_s:
        return
    for inner in sorted(call.called.values(), key=lambda inner: -inner.total_s):
        share = width * inner.total_s / call.total_s
        if share >= _SMALLEST_SHARE:
            yield from _bars(inner, row + 1, left, share, whole_s)
            left += share


def _colour(file: str, name: str) -> str:
    """Ours in orange, libraries in blue, what is built in in grey: each with a shade of its own."""
    hue, saturation = (30, 90) if file.startswith("telpher/") else (0, 0) if file == "~" else (205, 65)
    lightness = 66 + sum(map(ord, name)) % 16
    return f"hsl({hue} {saturation}% {lightness}%)"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"
