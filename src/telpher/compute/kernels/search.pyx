# cython: language_level=3, freethreading_compatible=True, binding=False
"""Searching sorted arrays of 32-bit integers, without the interpreter's lock."""

from cpython.pycapsule cimport PyCapsule_New

cdef extern from "search_impl.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    int search_kernel(const void *, void *, void *)


def kernel():
    """The capsule that `NativeKernel` takes."""
    return PyCapsule_New(<void *>search_kernel, TELPHER_KERNEL_CAPSULE, NULL)
