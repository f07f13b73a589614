"""The shape of the house: names that say something, files of one idea, nothing that belongs to one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "telpher"


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def test_no_file_bears_a_name_that_says_nothing() -> None:
    empty_words = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert not [path for path in SOURCE.rglob("*") if path.stem in empty_words]


def test_every_module_opens_with_its_contract() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in SOURCE.rglob("*.py")
        if not path.read_text().lstrip().startswith(('"""', "# SPDX"))
    ]
    assert not silent


def test_every_error_has_a_docstring_and_a_text() -> None:
    from telpher import errors
    from telpher.bot.texts import Texts

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TelpherError)]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.__doc__
        for language in ("en", "ru"):
            assert Texts.for_language(language).has(kind.text_key), (kind, language)


def test_nothing_names_a_package_registry_or_a_secret_like_word() -> None:
    # Spelled in pieces so that this file does not name them either.
    forbidden = re.compile(
        "|".join([r"pypi\.org", "registry\\.npm" + "js", r"deb\.deb" + r"ian\.org/debian", "files\\.python" + "hosted"])
    )
    texts = {
        ".py",
        ".md",
        ".toml",
        ".txt",
        ".sh",
        ".yml",
        ".yaml",
        ".json",
        ".po",
        ".js",
        ".html",
        ".css",
        ".build",
        "",
    }
    named = [
        path.relative_to(ROOT)
        for path in _tracked()
        if path.suffix in texts and path != Path(__file__) and forbidden.search(path.read_text(errors="ignore"))
    ]
    assert not named


def test_native_files_share_a_stem() -> None:
    kernels = SOURCE / "compute" / "kernels"
    for cython in kernels.glob("*.pyx"):
        stem = cython.stem
        assert (kernels / f"{stem}.pyi").exists(), f"{stem} has no types"
        if "_impl" not in cython.read_text():
            continue  # C of Python's own or of the system's alone
        assert list(kernels.glob(f"{stem}_impl*.c")), f"{stem} has no C"
        assert list(kernels.glob(f"{stem}_impl*.h")), f"{stem} has no header"
