"""Derives the sandbox's compact Bot API description from the full machine-readable one: `derive_bot_api.py full.json > bot_api.json`.

A field's value lists its types, joined by `|`, with a leading `!` when it is required; a type is `{field: value}` or the
list of its subtypes.
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
    # One line per method and type: small, and still fit to be compared by eye when the Bot API moves on.
    lines = [f'"version":{json.dumps(compact["version"])}']
    for part in ("methods", "types"):
        entries = (f"{json.dumps(name)}:{_dump(body)}" for name, body in sorted(compact[part].items()))
        lines.append(f'"{part}":{{\n' + ",\n".join(entries) + "\n}")
    sys.stdout.write("{" + ",\n".join(lines) + "}\n")


def _dump(body: object) -> str:
    return json.dumps(body, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    main()
