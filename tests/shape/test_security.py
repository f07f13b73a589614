"""What docs/security.md says is held to: its tests exist, and the bill of materials is whole."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 25
    missing = []
    for path, name in named:
        file = ROOT / path
        tests = {
            node.name
            for node in (ast.walk(ast.parse(file.read_text())) if file.exists() else ())
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if not tests or (name and name not in tests):
            missing.append(f"{path}::{name}")
    assert not missing


def test_every_row_of_the_threat_model_names_a_test() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    tables = page.split("## How, and the test that shows it")[1].split("## If a key is lost")[0]
    rows = [line for line in tables.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert rows
    assert not [row for row in rows if "`tests/" not in row]


def test_the_bill_of_materials_names_every_package_of_the_lock() -> None:
    spec = importlib.util.spec_from_file_location("make_sbom", ROOT / "tools" / "make_sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lock = (ROOT / "locks" / "run.txt").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bill = module.bill(lock, project)
    pinned = {line.split("==")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))}
    assert {component["name"] for component in bill["components"]} == pinned
    assert "cryptography" in pinned
    digests = sum(len(component["externalReferences"]) for component in bill["components"])
    assert digests == lock.count("--hash=sha256:")
    refs = [component["bom-ref"] for component in bill["components"]]
    assert len(refs) == len(set(refs))
    assert bill["dependencies"][0]["dependsOn"] == refs
