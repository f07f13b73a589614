"""The documentation is held to the code."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _derive_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("derive_docs", ROOT / "tools" / "derive_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", [".env.example", "docs/reference.md"])
def test_what_is_derived_from_the_code_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == _derive_docs().DERIVED[path](), "run `make docs`"


def test_every_local_link_leads_somewhere() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not missing


def test_the_two_readmes_tell_the_same_in_the_same_order() -> None:
    english, russian = ((ROOT / name).read_text() for name in ("README.md", "README.ru.md"))
    assert len(re.findall(r"^## ", english, re.MULTILINE)) == len(re.findall(r"^## ", russian, re.MULTILINE))
    assert re.findall(r"^```.*?^```", english, re.MULTILINE | re.DOTALL) == re.findall(
        r"^```.*?^```", russian, re.MULTILINE | re.DOTALL
    )
    assert re.findall(r"\]\((docs/images/[^)]+)\)", english) == re.findall(r"\]\((docs/images/[^)]+)\)", russian)


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "README.ru.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {target for page in pages for target in re.findall(r"`make ([a-z-]+)`", page.read_text())}
    assert named <= targets


def test_the_glossary_has_every_word_in_both_languages() -> None:
    rows = re.findall(
        r"^\| \*\*([\w ]+)\*\* \| \*\*([^|]+)\*\* \| ([^|]+) \| ([^|]+) \|$",
        (ROOT / "docs" / "glossary.md").read_text(),
        re.MULTILINE,
    )
    words = {row[0] for row in rows}
    assert {
        "drive", "entry", "transfer", "spool", "session", "job", "attempt", "receipt", "inbox", "kernel", "module", "strategy",
    } <= words  # fmt: skip
