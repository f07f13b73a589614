# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil
"""The way from Python to the kernel: a capsule with its address."""

from cpython.pycapsule cimport PyCapsule_New

cdef extern from "primes_impl.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    int primes_kernel(const void *, void *, void *)


def kernel():
    return PyCapsule_New(<void *>primes_kernel, TELPHER_KERNEL_CAPSULE, NULL)
