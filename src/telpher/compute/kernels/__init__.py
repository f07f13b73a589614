"""The native kernels: C behind Cython, without the GIL."""
