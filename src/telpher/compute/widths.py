"""The parameter that names a vector width, as modules with wide kernels share it."""

from __future__ import annotations

from telpher.compute.kernels import widths
from telpher.compute.port import Arguments, Parameter, Setting, Titles

_TITLES: dict[str, Titles] = {
    "auto": {"en": "the widest here", "ru": "самые широкие"},
    "baseline": {"en": "baseline (SSE2, NEON)", "ru": "базовые (SSE2, NEON)"},
    "avx2": {"en": "AVX2", "ru": "AVX2"},
    "avx512": {"en": "AVX-512", "ru": "AVX-512"},
}


def parameter(**only_for: tuple[Setting, ...]) -> Parameter:
    """The parameter `width`. Asking for a width that this machine lacks is an error, never a silent fallback."""
    return Parameter(
        name="width",
        titles={"en": "Vectors", "ru": "Векторы"},
        default="auto",
        choices={name: _TITLES[name] for name in widths.NAMES},
        only_for=only_for,
    )


def unavailable(name: str, setting: Setting) -> Titles | None:
    """Why a width cannot be used here: for `Module.setting_unavailable`."""
    if name != "width" or setting == "auto" or setting in widths.supported():
        return None
    here = ", ".join(widths.supported())
    return {"en": f"this machine has {here}", "ru": f"на этой машине есть {here}"}


def number(arguments: Arguments) -> int:
    """What the kernels are given."""
    return widths.NAMES.index(str(arguments["width"]))
