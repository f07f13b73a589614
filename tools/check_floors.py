"""Runs import-linter on the source tree.

It looks for the package by the import system's file finder; the editable install answers with a finder of its own, which tells no
folder. So that one is taken out, and the source folder put first.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "_telpher_editable_loader"]
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from importlinter.cli import lint_imports  # noqa: E402 - only now can it find the package

if __name__ == "__main__":
    sys.exit(lint_imports(cache_dir=None, no_cache=True))
