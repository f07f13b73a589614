"""An offline Google: OAuth for people and devices, and Drive v3, told by its public protocol and kept in one folder."""

from __future__ import annotations

from telpher.sandbox.google.server import install

__all__ = ["install"]
