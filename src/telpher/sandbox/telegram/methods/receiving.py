"""How updates reach the bot: getUpdates and the webhook's settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from telpher.sandbox.telegram.errors import ApiError, bad_request
from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.methods.port import Described, Method
from telpher.sandbox.telegram.updates import negotiated
from telpher.sandbox.telegram.world import World

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PORTS = frozenset({80, 88, 443, 8443})


async def get_updates(world: World, args: Json) -> list[Json]:
    """Long polling; see UpdateQueue.poll."""
    if world.ledger.fact("bot", "webhook"):
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        )
    world.updates.allow(negotiated(args.get("allowed_updates")))
    return await world.updates.poll(args.get("offset", 0), args.get("limit", 100), args.get("timeout", 0))


def set_webhook(world: World, args: Json) -> Any:
    """Deliver updates to an address from now on; an empty address ends that."""
    url = str(args.get("url", ""))
    if not url:
        return delete_webhook(world, args)
    _check_address(world, url)
    secret = args.get("secret_token", "")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    if args.get("drop_pending_updates"):
        world.updates.drop_all()
    world.updates.allow(negotiated(args.get("allowed_updates")))
    wanted = {
        "url": url,
        "secret_token": secret,
        "max_connections": min(max(args.get("max_connections", 40), 1), 100),
        "has_custom_certificate": "certificate" in args,
        **({"ip_address": args["ip_address"]} if "ip_address" in args else {}),
    }
    is_same = _stripped(world.ledger.fact("bot", "webhook")) == wanted
    world.ledger.set_fact("bot", "webhook", wanted)
    world.updates.terminate_poll("terminated by setWebhook request")
    world.updates.on_added()
    return Described(True, "Webhook is already set" if is_same else "Webhook was set")


def _stripped(webhook: Json | None) -> Json:
    return {key: value for key, value in (webhook or {}).items() if not key.startswith("last_error")}


def _check_address(world: World, url: str) -> None:
    """As the official server: https on a few ports; plain http and any port on this machine, as its `--local` mode allows."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise bad_request("invalid webhook URL specified") from None
    if not parts.hostname:
        raise bad_request("invalid webhook URL specified")
    if _is_loopback(parts.hostname) or world.limits.is_local:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port is not None and port not in _PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def delete_webhook(world: World, args: Json) -> Described:
    """Back to getUpdates."""
    if args.get("drop_pending_updates"):
        world.updates.drop_all()
    was_set = bool(world.ledger.fact("bot", "webhook"))
    world.ledger.set_fact("bot", "webhook", None)
    world.updates.on_added()
    return Described(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


def get_webhook_info(world: World, _args: Json) -> Json:
    """Where updates go, and what went wrong last."""
    webhook: Json = world.ledger.fact("bot", "webhook") or {"url": "", "has_custom_certificate": False}
    info = {key: value for key, value in webhook.items() if key != "secret_token"}
    info["pending_update_count"] = world.updates.pending_count
    if allowed := world.updates.allowed:
        info["allowed_updates"] = allowed
    return info


METHODS: dict[str, Method] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
