"""Answers of Google's that are not as its documentation says: a field is missing, or something else stands in it."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from telpher.errors import DriveUnreachableError

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

_log = logging.getLogger(__name__)

# What reading such an answer ends in.
_SENSELESS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def making_sense(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """`call`, which raises DriveUnreachableError where the answer could not be read: like a server in trouble, it is asked again."""

    @functools.wraps(call)
    async def made(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except _SENSELESS as error:
            # The error's own text may hold what stood in the answer.
            _log.warning("Google's answer to %s makes no sense: %s", call.__name__, type(error).__name__)
            _log.debug("where it was read", exc_info=error)
            raise DriveUnreachableError("the drive's answer makes no sense") from None

    return made


def all_making_sense(kind: C) -> C:
    """All public coroutines of a class. Those that are handed somebody's stream are not meant: its faults are not Google's."""
    for name, method in list(vars(kind).items()):
        if not name.startswith("_") and inspect.iscoroutinefunction(method):
            setattr(kind, name, making_sense(method))
    return kind


def another_page(token: object, last: object) -> str:
    """What the next page is asked for by. Raises DriveUnreachableError when it is the page that was just read: there would be no end."""
    if not isinstance(token, str) or token == last:
        raise DriveUnreachableError("the drive's list has no end")
    return token
