"""The chat page: serves one self-contained page at `/` and its parts below `/static/`; all else it asks of `/chat/api/`."""

from telpher.sandbox.chat.page import install

__all__ = ["install"]
