"""Arbitrary updates, built from Telegram's official list of types: any optional field there or missing, odd texts, wrong values."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from hypothesis import strategies as st

OWNER, MEMBER, GUEST, STRANGER = 1001, 1002, 1003, 4004

_TYPES: dict[str, Any] = json.loads(resources.files("telpher.sandbox.telegram").joinpath("bot_api.json").read_text())[
    "types"
]
_DEPTH_LIMIT = 4
_FIELDS_LIMIT = 5

_ODD_TEXTS = (
    "",
    "/",
    "/start",
    "/start x",
    "/start " + "A" * 32,
    "/files",
    "/jobs",
    "/compute",
    "/me",
    "/people",
    "/invite",
    "/help@telpher_sandbox_bot",
    "/cancel\n\n/cancel",
    "/nonsense" * 40,
    "<b>&amp;</i>",
    "\u202eevil\u0000\u0007",
    "e\u0301" * 500,
    "👩\u200d👩\u200d👧" * 200,
    "x" * 4096,
    "\ud800",
    "../../../etc/passwd",
    "{name} %s %(x)s {0}",
)
_PRESSES = (
    "",
    "r",
    "q",
    "f:abc:0",
    "j:c:1",
    "yl:0",
    "yx:1002",
    "ya:m",
    "yf:0:-:0",
    "c:search",
    "x" * 64,
    "\ud83d",
    "::",
)

_texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(max_size=40))
_people = st.sampled_from([OWNER, OWNER, MEMBER, GUEST, STRANGER, -1, 0, 2**52 - 1])
_numbers = st.one_of(
    st.sampled_from([0, 1, -1, 1_700_000_000, 2**31 - 1, 2**31, 2**52 - 1]), st.integers(-(2**53), 2**53)
)
_anything: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, st.floats(allow_nan=False, allow_infinity=False), _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


def _scalar(kind: str, name: str) -> st.SearchStrategy[Any] | None:
    if kind == "String":
        return st.sampled_from(_PRESSES) if name == "data" else _texts
    if kind == "Integer":
        # Identifiers have up to 52 bits, all else fits 32: https://core.telegram.org/bots/api#available-types
        return _numbers if name.endswith("id") else st.integers(0, 2**31 - 1)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "Float": st.floats(-1e6, 1e6),
        "Boolean": st.booleans(),
        "True": st.just(True),
    }
    return simple.get(kind)


def _value(draw: st.DrawFn, kind: str, name: str, depth: int) -> Any:
    if kind.startswith("Array of "):
        inner = kind.removeprefix("Array of ")
        return [_value(draw, inner, name, depth + 1) for _ in range(draw(st.integers(0, 2)))]
    if (scalar := _scalar(kind, name)) is not None:
        return draw(scalar)
    described = _TYPES.get(kind, {})
    if isinstance(described, list):
        return _value(draw, draw(st.sampled_from(described)), name, depth)
    return _object(draw, kind, described, depth)


def _object(draw: st.DrawFn, kind: str, fields: dict[str, str], depth: int) -> dict[str, Any]:
    optional = sorted(name for name, described in fields.items() if not described.startswith("!"))
    wanted = {name for name, described in fields.items() if described.startswith("!")}
    if optional and depth < _DEPTH_LIMIT:
        wanted |= set(draw(st.lists(st.sampled_from(optional), max_size=_FIELDS_LIMIT, unique=True)))
    made = {}
    for name in sorted(wanted):
        kinds = fields[name].lstrip("!").split("|")
        made[name] = _value(draw, draw(st.sampled_from(kinds)), name, depth + 1)
    if kind == "User":
        made |= {"id": draw(_people), "is_bot": draw(st.sampled_from([False, False, False, True]))}
    if kind == "Chat":
        made |= {"type": draw(st.sampled_from(["private", "private", "group", "supergroup", "channel"]))}
    return made


@st.composite
def official_updates(draw: st.DrawFn) -> dict[str, Any]:
    """Updates that Telegram might send, as far as its list of types says; half of them from a private chat with us."""
    kinds = sorted(name for name in _TYPES["Update"] if name != "update_id")
    kind = draw(st.sampled_from(["message"] * 12 + ["callback_query"] * 6 + kinds))
    content = _value(draw, _TYPES["Update"][kind].lstrip("!"), kind, 0)
    sender = {"id": draw(_people), "is_bot": False, "first_name": draw(_texts), "language_code": draw(_languages)}
    if kind == "message" and draw(st.booleans()):
        content |= {"from": sender, "chat": {"id": sender["id"], "type": "private", "first_name": "x"}}
    if kind == "callback_query":
        content |= {"id": str(draw(st.integers(1, 2**60))), "from": sender}
        _keep_private(content.get("message"), sender["id"])
    if kind == "message" and "from" in content:
        _keep_private(content, content["from"]["id"])
    _mark_command(content)
    return {kind: content}


_languages = st.sampled_from(["en", "ru", "", "xx-YY", "😀"])


def _keep_private(message: Any, person_id: int) -> None:
    """A private chat has its person's id, a group's is negative: https://core.telegram.org/bots/api#chat"""
    if isinstance(message, dict):
        chat = message["chat"]
        chat["id"] = person_id if chat["type"] == "private" else -abs(chat["id"]) - 1


def _mark_command(content: Any) -> None:
    text = content.get("text") if isinstance(content, dict) else None
    if isinstance(text, str) and text.startswith("/"):
        length = len(text.split()[0].encode("utf-16-le", "surrogatepass")) // 2
        content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]


@st.composite
def broken_updates(draw: st.DrawFn) -> dict[str, Any]:
    """Updates in which something is missing, of another type, or unheard of."""
    update = draw(official_updates())
    for _ in range(draw(st.integers(1, 3))):
        _break(draw, update)
    return update


def _break(draw: st.DrawFn, update: dict[str, Any]) -> None:
    holder: Any = update
    for _ in range(draw(st.integers(0, 3))):
        inner = [value for value in holder.values() if isinstance(value, dict) and value]
        if not inner:
            break
        holder = draw(st.sampled_from(inner))
    name = draw(st.sampled_from([*sorted(holder), "unheard_of"])) if holder else "unheard_of"
    if name in holder and draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = draw(_anything)
