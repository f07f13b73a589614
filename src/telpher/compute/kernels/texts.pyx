# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False
"""Long answers copied and compared without the interpreter's lock: a copy of 100 MB would keep all other threads waiting for 30 ms."""

from libc.string cimport memcmp, memcpy

cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t, Py_UCS4)
    void *PyUnicode_DATA(object)
    int PyUnicode_KIND(object)

cdef bint is_ascii(const unsigned char *content, Py_ssize_t size) noexcept nogil:
    cdef unsigned char all_bits = 0
    cdef Py_ssize_t i
    for i in range(size):
        all_bits |= content[i]
    return all_bits < 128


def from_utf8(bytes content not None):
    """`content` as text. What is not ASCII alone is decoded with the lock held."""
    cdef const unsigned char *source = content
    cdef Py_ssize_t size = len(content)
    cdef bint is_text
    cdef object text
    with nogil:
        is_text = is_ascii(source, size)
    if not is_text:
        return content.decode("utf-8")
    text = PyUnicode_New(size, 127)
    cdef void *place = PyUnicode_DATA(text)
    if size > 0:  # the empty text is everybody's
        with nogil:
            memcpy(place, source, size)
    return text


def are_same(str one not None, str other not None):
    """Whether two texts are equal."""
    cdef Py_ssize_t size = len(one) * PyUnicode_KIND(one)
    cdef void *first = PyUnicode_DATA(one)
    cdef void *second = PyUnicode_DATA(other)
    cdef int difference
    if one is other:
        return True
    if len(one) != len(other) or PyUnicode_KIND(one) != PyUnicode_KIND(other):
        return False
    with nogil:
        difference = memcmp(first, second, size)
    return difference == 0
