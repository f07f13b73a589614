"""Where `telpher_kernel.h` lies, for packages that build modules: `python -m telpher.compute.include` prints the directory."""

from __future__ import annotations

import sys
from importlib.resources import files


def directory() -> str:
    """The directory of `telpher_kernel.h`, in an installed package as in a checkout."""
    return str(files("telpher.compute.kernels").joinpath("telpher_kernel.h")).rpartition("/")[0]


if __name__ == "__main__":
    sys.stdout.write(f"{directory()}\n")
