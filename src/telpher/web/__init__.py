"""The few HTTP endpoints: Telegram's webhook, the end of log-ins, health, metrics."""

from telpher.web.login import LoginEndpoint
from telpher.web.server import WebServer
from telpher.web.webhook import Webhook, WebhookEndpoint

__all__ = ["LoginEndpoint", "WebServer", "Webhook", "WebhookEndpoint"]
