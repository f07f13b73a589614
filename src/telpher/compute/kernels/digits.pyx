# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False
"""Decimal digits of pi over several threads, without the interpreter's lock. Only there when built with GMP."""

from cpython.pycapsule cimport PyCapsule_New

cdef extern from "digits_impl.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    enum:
        DIGITS_MOST_THREADS
    int digits_kernel(const void *, void *, void *)
    void digits_set_up()

MOST_THREADS = DIGITS_MOST_THREADS

digits_set_up()


def kernel():
    """The capsule that `NativeKernel` takes."""
    return PyCapsule_New(<void *>digits_kernel, TELPHER_KERNEL_CAPSULE, NULL)
