NAMES: tuple[str, ...]
"""In the order of `enum telpher_width`: a kernel is given the place."""

def supported() -> tuple[str, ...]: ...
