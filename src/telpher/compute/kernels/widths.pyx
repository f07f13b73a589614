# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False
"""Which vector instructions the kernels can use on this machine."""

cdef extern from "widths_impl.h" nogil:
    int telpher_has_width(int)

NAMES = ("auto", "baseline", "avx2", "avx512")


def supported():
    """The names that may be asked for here, `auto` aside, narrowest first."""
    return tuple(name for number, name in enumerate(NAMES) if number > 0 and telpher_has_width(number))
