"""The few HTTP endpoints: Telegram's webhook, health, metrics."""

from telpher.web.server import WebServer
from telpher.web.webhook import Webhook, WebhookEndpoint

__all__ = ["WebServer", "Webhook", "WebhookEndpoint"]
