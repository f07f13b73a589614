# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False
"""Pi by the lesson's series, without the interpreter's lock."""

from cpython.pycapsule cimport PyCapsule_New

cdef extern from "pi_impl.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    int pi_kernel(const void *, void *, void *)


def kernel():
    """The capsule that `NativeKernel` takes."""
    return PyCapsule_New(<void *>pi_kernel, TELPHER_KERNEL_CAPSULE, NULL)
