"""Writes a CycloneDX bill of materials (https://cyclonedx.org/docs/1.6/json/) from a lock file: what Telpher is installed with."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)([^\\\n]*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The bill, as JSON. The same lock gives the same bill."""
    pins = list(_PIN.finditer(lock))
    ends = [*(pin.start() for pin in pins[1:]), len(lock)]
    components = [
        _component(pin[1], pin[2], pin[3], _HASH.findall(lock[pin.end() : end]))
        for pin, end in zip(pins, ends, strict=True)
    ]
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": project["name"],
                "version": project["version"],
                "purl": root,
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [component["bom-ref"] for component in components]}],
    }


def _component(name: str, version: str, marker: str, hashes: list[str]) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    # One for each file that may be installed. CycloneDX's own `hashes` would mean one file, so they are told as distributions.
    component["externalReferences"] = [
        {"type": "distribution", "url": purl, "hashes": [{"alg": "SHA-256", "content": digest}]} for digest in hashes
    ]
    if condition := marker.strip(" ;"):
        component["properties"] = [{"name": "python:marker", "value": condition}]
    return component


def main() -> int:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, default=ROOT / "locks" / "run.txt")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "telpher.cdx.json")
    arguments = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(bill(arguments.lock.read_text(), project), indent=2) + "\n")
    print(f"{arguments.output} is written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
