# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False
"""Searching sorted arrays of 32-bit integers, without the interpreter's lock."""

from cpython.pycapsule cimport PyCapsule_New
from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
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


cdef class Numbers:
    """A contiguous array of integers, held. (Cython's typed memoryviews cannot be had in subinterpreters.)"""

    cdef Py_buffer buffer
    cdef bint is_held
    cdef void *first
    cdef int64_t count

    def __cinit__(self, array, Py_ssize_t item_size, bint is_written):
        cdef int wanted = PyBUF_FORMAT | PyBUF_ND
        self.is_held = False
        if is_written:
            wanted |= PyBUF_WRITABLE
        PyObject_GetBuffer(array, &self.buffer, wanted)
        self.is_held = True
        kind = (<bytes>self.buffer.format).decode("ascii").lstrip("@=<") if self.buffer.format != NULL else "B"
        if self.buffer.ndim != 1 or self.buffer.itemsize != item_size or kind not in ("i", "l", "q"):
            raise ValueError(f"a row of signed {8 * item_size}-bit integers is needed, not {self.buffer.ndim} dimensions of {kind}")
        self.first = self.buffer.buf
        self.count = self.buffer.shape[0]

    def __dealloc__(self):
        if self.is_held:
            PyBuffer_Release(&self.buffer)


cdef tuple queries_and_positions(queries, positions):
    cdef Numbers asked = Numbers(queries, sizeof(int32_t), False)
    cdef Numbers found = Numbers(positions, sizeof(int64_t), True)
    if asked.count != found.count:
        raise ValueError(f"{asked.count} queries, but room for {found.count} positions")
    return asked, found


cdef const search_functions *functions_of(str width) except NULL:
    if width not in widths.NAMES or (width != "auto" and width not in widths.supported()):
        raise ValueError(f"this machine has no {width}; it has {', '.join(widths.supported())}")
    return search_functions_of(widths.NAMES.index(width))


cdef class Index:
    """A static B-tree over a sorted array: built once, it answers many queries. Several threads may query it at once."""

    cdef search_index index
    cdef Numbers keys  # held, so that the array outlives the index
    cdef const search_functions *functions

    def __cinit__(self, keys, str width="auto"):
        cdef int status
        memset(&self.index, 0, sizeof(self.index))
        self.functions = functions_of(width)
        self.keys = Numbers(keys, sizeof(int32_t), False)
        with nogil:
            status = search_index_open(&self.index, <const int32_t *>self.keys.first, self.keys.count)
        if status != 0:
            raise MemoryError

    def __dealloc__(self):
        search_index_close(&self.index)

    @property
    def size_bytes(self):
        """Memory beside the array's own."""
        return self.index.nodes_size

    def search(self, queries, positions):
        """Write for each query how many keys are smaller than it."""
        cdef telpher_control control
        cdef Numbers asked, found
        asked, found = queries_and_positions(queries, positions)
        memset(&control, 0, sizeof(control))
        with nogil:
            self.functions.many(&self.index, <const int32_t *>asked.first, <int64_t *>found.first, asked.count, &control)


def halving(keys, queries, positions, str width="auto"):
    """The same as `Index(keys).search(queries, positions)` without building an index first."""
    cdef telpher_control control
    cdef const search_functions *functions = functions_of(width)
    cdef Numbers held = Numbers(keys, sizeof(int32_t), False)
    cdef Numbers asked, found
    asked, found = queries_and_positions(queries, positions)
    memset(&control, 0, sizeof(control))
    if held.count == 0:
        memset(found.first, 0, <size_t>found.count * sizeof(int64_t))
        return
    with nogil:
        functions.halve(
            <const int32_t *>held.first, held.count, <const int32_t *>asked.first, <int64_t *>found.first, asked.count, &control
        )
