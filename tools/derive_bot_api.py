"""Derives the sandbox's compact Bot API description from the full machine-readable one: `derive_bot_api.py full.json > bot_api.json`.

A field's value lists its types, joined by `|`, with a leading `!` when it is required; a type is `{field: value}` or the list of its subtypes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def _fields(described: dict[str, Any]) -> dict[str, str]:
    return {
        field["name"]: ("!" if field["required"] else "") + "|".join(field["types"])
        for field in described.get("fields", [])
    }


def main() -> None:
    """Read the full description named on the command line, write the compact one to standard output."""
    full = json.loads(Path(sys.argv[1]).read_text())
    compact = {
        "version": full["version"],
        "methods": {
            name: {"returns": method["returns"], "parameters": _fields(method)}
            for name, method in full["methods"].items()
        },
        "types": {name: described.get("subtypes") or _fields(described) for name, described in full["types"].items()},
    }
    json.dump(compact, sys.stdout, separators=(",", ":"), sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
