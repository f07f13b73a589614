"""The registry: the modules that ship with Telpher, and those that packages add through the entry-point group `telpher.modules`."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from telpher.compute import digits, pi, search
from telpher.compute.port import Module

ENTRY_POINTS = "telpher.modules"
"""An entry of this group names a `Module`, or a function without parameters that returns one."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")

_log = logging.getLogger(__name__)


@functools.cache
def registry() -> Mapping[str, Module]:
    """All modules by name, ours first. One that does not load is logged and left out: it takes nobody else down with it."""
    found = {module.name: module for module in (search.MODULE, pi.MODULE, digits.MODULE)}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            module = _load(entry)
        except Exception:  # noqa: BLE001 - another package's import may raise anything
            _log.exception("module %s of %s was not loaded", entry.name, entry.dist)
            continue
        if module.name in found:
            _log.error("module %s of %s was left out: there is one of this name", module.name, entry.dist)
        found.setdefault(module.name, module)
    return MappingProxyType(found)


def _load(entry: EntryPoint) -> Module:
    loaded = entry.load()
    module = loaded if isinstance(loaded, Module) else loaded()
    if not isinstance(module, Module):
        raise TypeError(f"{entry.value} is not a Module")
    if not _NAME.fullmatch(module.name):
        raise ValueError(f"the name {module.name!r} is not lower-case ASCII of at most 16 characters")
    return module
