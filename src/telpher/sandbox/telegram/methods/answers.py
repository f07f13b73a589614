"""Answers to what a person's app waits for: pressed buttons and inline queries."""

from __future__ import annotations

from typing import Any

from telpher.sandbox.telegram.entities import formatted
from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.keyboards import checked_markup
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.messages import text_content
from telpher.sandbox.telegram.methods.port import Method
from telpher.sandbox.telegram.spec import bot_api
from telpher.sandbox.telegram.world import World

_LONGEST_ANSWER = 200
_LONGEST_OFFSET_BYTES = 64
_MOST_RESULTS = 50
_MOST_REMEMBERED = 500


def answer_callback_query(world: World, args: Json) -> bool:
    """Show a toast, an alert or nothing to the one who pressed, and stop their button's spinning."""
    text = args.get("text", "")
    if len(text) > _LONGEST_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = {
        "callback_query_id": args["callback_query_id"],
        "text": text,
        "show_alert": args.get("show_alert", False),
        "url": args.get("url", ""),
    }
    query = world.queries.settle("callback", args["callback_query_id"], answer)
    world.events.add([query["user_id"]], {"type": "callback_answer", **answer})
    return True


def answer_inline_query(world: World, args: Json) -> bool:
    """Offer results for what was typed after the bot's name; each is checked against the official types."""
    results = args["results"]
    if not isinstance(results, list):
        raise bad_request("expected an Array of InlineQueryResult")
    if len(results) > _MOST_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    ids = [_checked_result(result) for result in results]
    if len(set(ids)) != len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    if len(args.get("next_offset", "").encode()) > _LONGEST_OFFSET_BYTES:
        raise bad_request("NEXT_OFFSET_INVALID")
    answer = {
        "results": results,
        "next_offset": args.get("next_offset", ""),
        "cache_time": args.get("cache_time", 300),
        **({"button": args["button"]} if "button" in args else {}),
    }
    query = world.queries.settle("inline", args["inline_query_id"], answer)
    # Of a list that goes on page by page, anything may be chosen.
    offered = world.ledger.fact("inline_results", query["user_id"]) or []
    earlier = [result for result in offered if result["id"] not in ids]
    world.ledger.set_fact("inline_results", query["user_id"], [*earlier, *results][-_MOST_REMEMBERED:])
    return True


def _checked_result(result: Any) -> str:
    prefix = "can't parse inline query result: "
    if not isinstance(result, dict) or not isinstance(result.get("type"), str):
        raise bad_request(f'{prefix}Can\'t find field "type"')
    identity = result.get("id")
    if not isinstance(identity, str) or not 1 <= len(identity.encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    if problem := bot_api().problem(result, ("InlineQueryResult",), knows_all=False):
        raise bad_request(f"{prefix}{problem.removeprefix(': ')}")
    checked_markup(result.get("reply_markup"), inline_only=True)
    content = result.get("input_message_content", {})
    if "message_text" in content:
        text_content({**content, "text": content["message_text"]})
    formatted(result.get("caption", ""), result.get("parse_mode"), result.get("caption_entities"))
    return identity


METHODS: dict[str, Method] = {
    "answerCallbackQuery": answer_callback_query,
    "answerInlineQuery": answer_inline_query,
}
