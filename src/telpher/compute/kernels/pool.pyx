# cython: language_level=3, freethreading_compatible=True, subinterpreters_compatible=own_gil, binding=False, embedsignature=False
"""Native kernels called from Python: on this thread without the lock, or on a pool of C threads that never take it."""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.errno cimport errno
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset
import os


cdef extern from "telpher_kernel.h" nogil:
    const char *TELPHER_KERNEL_CAPSULE
    enum:
        TELPHER_MAX_ARGUMENTS
    ctypedef struct telpher_control:
        int32_t cancelled
        int64_t done
    ctypedef struct telpher_result:
        int64_t integer
        double real
        char *bytes
        size_t bytes_size
    ctypedef int (*telpher_kernel)(const int64_t *, telpher_result *, telpher_control *) noexcept nogil
    int telpher_is_cancelled(const telpher_control *)
    void telpher_cancel(telpher_control *)
    int64_t telpher_done(const telpher_control *)
    int telpher_poll(telpher_control *, int64_t)
    void telpher_reset(telpher_control *)

cdef extern from "pool_impl.h" nogil:
    ctypedef struct telpher_call:
        telpher_call *next
        telpher_kernel kernel
        telpher_control *control
        int64_t number
        int64_t arguments[16]
        telpher_result result
        int64_t started_ns
        int64_t ended_ns
        int status
        int worker
    ctypedef struct telpher_pool:
        pass
    telpher_pool *telpher_pool_open(int)
    int telpher_pool_fd(const telpher_pool *)
    int telpher_pool_submit(telpher_pool *, telpher_kernel, const int64_t *, int, telpher_control *, int64_t)
    telpher_call *telpher_pool_take(telpher_pool *)
    void telpher_call_free(telpher_call *)
    void telpher_pool_close(telpher_pool *)
    void telpher_call_run(telpher_call *)
    int telpher_become_idle()
    void telpher_die_with_parent()

cdef extern from "stdlib.h" nogil:
    void free(void *)

cdef enum:
    TAKEN_AT_ONCE_BYTES = 1 << 16
CONTROL_SIZE = sizeof(telpher_control)
Outcome = tuple


cdef class Control:
    """The way to stop a call and to see how far it has come; in memory of its own, or (`place`) in memory shared with another process."""

    cdef telpher_control own
    cdef telpher_control *control
    cdef Py_buffer place
    cdef bint is_placed

    def __cinit__(self, place=None):
        memset(&self.own, 0, sizeof(self.own))
        self.control = &self.own
        self.is_placed = False
        if place is not None:
            PyObject_GetBuffer(place, &self.place, PyBUF_WRITABLE)
            self.is_placed = True
            if self.place.len < <Py_ssize_t>sizeof(telpher_control) or <size_t>self.place.buf % 8:
                raise ValueError("a control needs 16 aligned bytes")
            self.control = <telpher_control *>self.place.buf

    def __dealloc__(self):
        if self.is_placed:
            PyBuffer_Release(&self.place)

    @property
    def address(self):
        """Where it lies: for another interpreter of this process."""
        return <size_t>self.control

    @property
    def cancelled(self):
        return telpher_is_cancelled(self.control) != 0

    def cancel(self):
        telpher_cancel(self.control)

    def reset(self):
        """As new: what a control in shared memory needs before its next call."""
        telpher_reset(self.control)

    @property
    def done(self):
        return telpher_done(self.control)

    @done.setter
    def done(self, int64_t units):
        telpher_poll(self.control, units)


cdef telpher_kernel function_of(capsule) except NULL:
    return <telpher_kernel>PyCapsule_GetPointer(capsule, TELPHER_KERNEL_CAPSULE)


cdef int write_arguments(int64_t *place, arguments) except -1:
    cdef int count = 0
    if len(arguments) > TELPHER_MAX_ARGUMENTS:
        raise ValueError(f"a kernel takes at most {TELPHER_MAX_ARGUMENTS} arguments")
    for argument in arguments:
        place[count] = argument
        count += 1
    return count


cdef bytes copied(const char *place, size_t size):
    cdef bytes content = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    cdef char *to = content
    with nogil:
        memcpy(to, place, size)
    return content


cdef class LongAnswer:
    """Bytes that a kernel has answered, too many to be copied by the way: `take` them where nobody waits."""

    cdef char *place
    cdef size_t size

    def __dealloc__(self):
        free(self.place)

    def take(self):
        """The bytes, once; copied without the interpreter's lock."""
        cdef char *place = self.place
        if place == NULL:
            raise ValueError("the answer was taken before")
        self.place = NULL
        try:
            return copied(place, self.size)
        finally:
            with nogil:
                free(place)


cdef object content_of(telpher_call *call):
    cdef LongAnswer held
    if call.result.bytes == NULL:
        return b""
    if call.result.bytes_size <= TAKEN_AT_ONCE_BYTES:
        return copied(call.result.bytes, call.result.bytes_size)
    held = LongAnswer.__new__(LongAnswer)
    held.place = call.result.bytes
    held.size = call.result.bytes_size
    call.result.bytes = NULL
    return held


cdef tuple outcome_of(telpher_call *call):
    return (
        call.status, call.result.integer, call.result.real, content_of(call), call.worker, call.started_ns, call.ended_ns
    )


def call(capsule, arguments, Control control not None):
    """Run a kernel on this thread, without the interpreter's lock; returns an outcome as `Pool.take` does (worker 0)."""
    cdef telpher_call one
    memset(&one, 0, sizeof(one))
    one.kernel = function_of(capsule)
    write_arguments(one.arguments, arguments)
    one.control = control.control
    with nogil:
        telpher_call_run(&one)
    try:
        return outcome_of(&one)
    finally:
        free(one.result.bytes)


def become_idle():
    """Give the calling thread the lowest scheduling class, for good: 2 for SCHED_IDLE, 1 for nice 19, 0 when neither was had."""
    return telpher_become_idle()


def die_with_parent():
    """Have the kernel end this process when the one that started it ends (Linux; elsewhere nothing happens)."""
    telpher_die_with_parent()


cdef class Pool:
    """C threads at idle priority. Finished calls make `fileno()` readable; `take` them then. Used from one Python thread."""

    cdef telpher_pool *pool
    cdef dict controls  # a call's control lives as long as the call
    cdef int64_t last

    def __cinit__(self, int threads):
        if threads < 1:
            raise ValueError("a pool has at least one thread")
        self.controls = {}
        self.pool = telpher_pool_open(threads)
        if self.pool == NULL:
            raise OSError(errno, os.strerror(errno))

    def __dealloc__(self):
        close_pool(self)

    def close(self):
        """Stop running calls, forget waiting ones, end the threads. Waits for the kernels to notice."""
        close_pool(self)
        self.controls.clear()

    def fileno(self):
        if self.pool == NULL:
            raise ValueError("the pool is closed")
        return telpher_pool_fd(self.pool)

    def submit(self, capsule, arguments, Control control not None):
        """Queue a call; returns its number."""
        cdef int64_t place[16]
        cdef telpher_kernel kernel = function_of(capsule)
        cdef int count = write_arguments(place, arguments)
        if self.pool == NULL:
            raise ValueError("the pool is closed")
        self.last += 1
        self.controls[self.last] = control
        if telpher_pool_submit(self.pool, kernel, place, count, control.control, self.last) != 0:
            del self.controls[self.last]
            raise MemoryError
        return self.last

    def take(self):
        """What has finished: (number, (status, integer, real, bytes or LongAnswer, worker, started_ns, ended_ns)), oldest first."""
        cdef telpher_call *finished
        cdef telpher_call *next_call
        cdef list taken = []
        if self.pool == NULL:
            return taken
        finished = telpher_pool_take(self.pool)
        while finished != NULL:
            next_call = finished.next
            taken.append((finished.number, outcome_of(finished)))
            self.controls.pop(finished.number, None)
            telpher_call_free(finished)
            finished = next_call
        return taken


# Not a method: those of extension types need a table in the type, with which the second import into a subinterpreter crashed
# (Cython 3.3, Python 3.13).
cdef void close_pool(Pool self) noexcept:
    cdef telpher_pool *pool = self.pool
    self.pool = NULL
    if pool != NULL:
        with nogil:
            telpher_pool_close(pool)
