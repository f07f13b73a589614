# cython: language_level=3, freethreading_compatible=True, binding=False, boundscheck=False, wraparound=False
"""Searching sorted arrays of 32-bit integers, without the interpreter's lock."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from telpher.compute.kernels import widths


cdef extern from "search_impl.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    ctypedef struct telpher_control:
        pass
    ctypedef struct search_index:
        int64_t n
        int levels
        int64_t nodes_size
    ctypedef int search_many(const search_index *, const int32_t *, int64_t *, int64_t, telpher_control *)
    ctypedef int search_halve(const int32_t *, int64_t, const int32_t *, int64_t *, int64_t, telpher_control *)
    ctypedef struct search_functions:
        search_many *many
        search_halve *halve
    int search_kernel(const int64_t *, void *, void *)
    int search_index_open(search_index *, const int32_t *, int64_t)
    void search_index_close(search_index *)
    const search_functions *search_functions_of(int)
    void search_cool()


def kernel():
    """The capsule that `NativeKernel` takes."""
    return PyCapsule_New(<void *>search_kernel, TELPHER_KERNEL_CAPSULE, NULL)


def cool():
    """Give back the memory that calls have kept warm."""
    with nogil:
        search_cool()


cdef check_sizes(const int32_t[::1] queries, int64_t[::1] positions):
    if queries.shape[0] != positions.shape[0]:
        raise ValueError(f"{queries.shape[0]} queries, but room for {positions.shape[0]} positions")


cdef const search_functions *functions_of(str width) except NULL:
    if width not in widths.NAMES or (width != "auto" and width not in widths.supported()):
        raise ValueError(f"this machine has no {width}; it has {', '.join(widths.supported())}")
    return search_functions_of(widths.NAMES.index(width))


cdef class Index:
    """A static B-tree over a sorted array: built once, it answers many queries. Several threads may query it at once."""

    cdef search_index index
    cdef const int32_t[::1] keys  # held, so that the array outlives the index
    cdef const search_functions *functions

    def __cinit__(self, const int32_t[::1] keys not None, str width="auto"):
        cdef int status
        cdef const int32_t *first = NULL
        memset(&self.index, 0, sizeof(self.index))
        self.functions = functions_of(width)
        self.keys = keys
        if keys.shape[0] > 0:
            first = &keys[0]
        with nogil:
            status = search_index_open(&self.index, first, keys.shape[0])
        if status != 0:
            raise MemoryError

    def __dealloc__(self):
        search_index_close(&self.index)

    @property
    def size_bytes(self):
        """Memory beside the array's own."""
        return self.index.nodes_size

    def search(self, const int32_t[::1] queries not None, int64_t[::1] positions not None):
        """Write for each query how many keys are smaller than it."""
        cdef telpher_control control
        check_sizes(queries, positions)
        if queries.shape[0] == 0:
            return
        memset(&control, 0, sizeof(control))
        with nogil:
            self.functions.many(&self.index, &queries[0], &positions[0], queries.shape[0], &control)


def halving(
    const int32_t[::1] keys not None, const int32_t[::1] queries not None, int64_t[::1] positions not None, str width="auto"
):
    """The same as `Index(keys).search(queries, positions)` without building an index first."""
    cdef telpher_control control
    cdef const search_functions *functions = functions_of(width)
    check_sizes(queries, positions)
    if queries.shape[0] == 0:
        return
    if keys.shape[0] == 0:
        positions[:] = 0
        return
    memset(&control, 0, sizeof(control))
    with nogil:
        functions.halve(&keys[0], keys.shape[0], &queries[0], &positions[0], queries.shape[0], &control)
