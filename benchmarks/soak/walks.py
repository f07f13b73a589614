"""The ways through the bot's screens, one for each feature: what is written, which buttons follow, what is said on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

FILE = "<a file>"
"""Stands for sending a small file instead of writing."""


@dataclasses.dataclass(frozen=True)
class Walk:
    """Begins with a message and goes towards the last of `buttons`, which are patterns of what buttons say to the bot.

    Of those that a screen offers the furthest is pressed, so what a screen does not ask for is left out. `says` is what is written
    (or sent) after a button: the answer to what the bot then asks.
    """

    name: str
    begin: str
    buttons: tuple[str, ...]
    says: Mapping[str, str] = dataclasses.field(default_factory=dict)
    weight: float = 1.0
    after: str = ""
    """Makes sense only for who has gone through this one."""


_ENTRY = r"^(e|fe|se|m|be):"
_TO_SHARE = (r"^sr:", r"^sp:", r"^sc:", r"^sd:")

WALKS = (
    Walk("browse", "/files", (r"^f:", r"^(f|r)"), weight=2),
    Walk("sort", "/files", (r"^so:",)),
    Walk("shelves", "/files", (r"^sf:", r"^se:"), weight=2),
    Walk("star", "/files", (_ENTRY, r"^st:")),
    Walk("find", "/find {number}", (r"^fd:", r"^fe:"), weight=2),
    Walk("rename and undo", "/files", (_ENTRY, r"^d:n:", r"^u:"), {r"^d:n:": "{name}.bin"}),
    Walk("move", "/files", (_ENTRY, r"^mv:", r"^cf:", r"^pf:")),
    Walk("move and undo", "/files", (_ENTRY, r"^mv:", r"^pf:", r"^u:")),
    Walk("move into a new folder", "/files", (_ENTRY, r"^mv:", r"^nc:", r"^pf:"), {r"^nc:": "{name}"}),
    Walk("move nowhere", "/files", (_ENTRY, r"^mv:", r"^lv:")),
    Walk("new folder", "/files", (r"^fm:", r"^nf:"), {r"^nf:": "{name}"}),
    Walk("upload here", "/files", (r"^f:", r"^fm:", r"^up:", r"^us:"), {r"^up:": FILE}),
    Walk("trash", "/files", (_ENTRY, r"^d:d:")),
    Walk("trash and undo", "/files", (_ENTRY, r"^d:d:", r"^u:")),
    Walk("get back", "/files", (_ENTRY, r"^d:g:"), weight=2),
    Walk("show a picture", "/find photo", (_ENTRY, r"^d:v:"), weight=2),
    Walk("export", "/find Quarterly", (_ENTRY, r"^x:"), weight=2),
    Walk("zip of what is ticked", "/files", (r"^sb:", r"^t1:", r"^tz:")),
    Walk("zip of a folder", "/files", (r"^f:", r"^fm:", r"^d:z:")),
    Walk("share by link", "/files", (_ENTRY, r"^d:s:", r"^sw:l:", *_TO_SHARE)),
    Walk("share with an address", "/files", (_ENTRY, r"^d:s:", r"^sw:a:", *_TO_SHARE), {r"^sw:a:": "{friend}"}),
    Walk("revoke", "/shares", (r"^sl:",), weight=4, after="share by link"),
    Walk("revoke all", "/shares", (r"^sx$", r"^sy$"), weight=2, after="share by link"),
    Walk("template", "/where", (r"^ww:t", r"^wt$"), {r"^ww:t": "{{year}}/{{month}}/{{kind}}"}, weight=0.5),
    Walk("folder of one's choice", "/where", (r"^ww:f", r"^cf:", r"^pf:"), weight=0.5),
    Walk("ask each time", "/where", (r"^ww:a", r"^ph:"), {r"^ww:a": FILE}),
    Walk("back to the home folder", "/where", (r"^ww:h",), weight=2),
    Walk("jobs", "/jobs", (r"^q", r"^j:c:")),
    Walk("compute", "/compute", (r"^cpm", r"^cpc:(search|pi)$", r"^cpr:"), weight=0.5),
    Walk("set up a run", "/compute", (r"^cpm", r"^cpc:(search|pi)$", r"^cpp:", r"^cpv:", r"^cpt:"), weight=0.5),
    Walk("lesson", "/cython", (r"^cpl", r"^c:"), weight=0.3),
    Walk("compute again", "/compute", (r"^cpm", r"^cpc:(search|pi)$", r"^cpr:"), weight=4, after="compute"),
    Walk("compare runs", "/compute history", (r"^cpe:", r"^cpo:", r"^cpb:"), weight=20, after="compute again"),
    Walk("run as before", "/compute history", (r"^cpe:", r"^cpa:"), weight=8, after="compute"),
    Walk("accounts", "/accounts", (r"^ad:s:", r"^ac")),
    Walk("never mind the log-in", "/connect", (r"^cn:w", r"^cs")),
)

OWNERS_WALKS = (
    Walk("doctor", "/doctor", (r"^k:a",)),
    Walk("invite and take back", "/invite", (r"^ya:m", r"^yw:")),
    Walk("people", "/people", (r"^yc:", r"^yl:")),
)

LEFT_OUT = frozenset({"ad", "cn", "co", "cs", "lv", "ww", "c", "cpr", "ya", "yt", "ym", "yr", "yx"})
"""Kinds of buttons that nobody presses blindly: those that disconnect a drive, begin a log-in, give up a file that waits for an
answer or make all others wait for one, compute, let people in or send them away. Walks press them."""
