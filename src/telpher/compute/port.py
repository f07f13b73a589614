"""What a module, a strategy and a run are: the seam between kernels, the people who add them, and those who show their times.

A module names a computation and its parameters; a strategy decides how several calls of it are run; a run is what came of that.
Texts are given in English and Russian here, because a module brings its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from telpher.compute.written import whole_number
from telpher.errors import ParameterInvalidError

Titles: TypeAlias = Mapping[str, str]
"""A text by language code: `en` always, others as the module has them. Look up with `in_language`."""

Value: TypeAlias = int | float | str
"""What one call answers. A long `str` (a million digits) is sent as a file."""

Setting: TypeAlias = int | str
"""What a parameter is set to: a whole number, or one of its choices."""

Arguments: TypeAlias = Mapping[str, Setting]
"""Parameters by name. `Module.complete` fills in the defaults and checks the bounds."""

DEFAULT_CALLS = 5


def in_language(titles: Titles, language: str) -> str:
    """The text in `language`, else in English."""
    return titles.get(language) or titles["en"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that a person may set before a run.

    A number has `minimum`, `maximum` and `steps` (what buttons offer at once; any other number can be stepped to or written); a choice has
    `choices` instead. `only_for` says for which
    settings of other parameters this one matters: {"way": ("digits",)}.
    """

    name: str
    titles: Titles
    default: Setting
    minimum: int = 0
    maximum: int = 0
    steps: tuple[int, ...] = ()
    choices: Mapping[str, Titles] = dataclasses.field(default_factory=dict)
    only_for: Mapping[str, tuple[Setting, ...]] = dataclasses.field(default_factory=dict)

    @property
    def options(self) -> tuple[Setting, ...]:
        """What buttons offer."""
        return tuple(self.choices) if self.choices else self.steps

    @property
    def is_open(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.choices) > 1 if self.choices else self.minimum < self.maximum

    def is_relevant(self, arguments: Arguments) -> bool:
        """Whether this parameter matters beside the others as they are set."""
        return all(arguments.get(name) in settings for name, settings in self.only_for.items())

    def check(self, setting: object) -> Setting:
        """`setting`, when it is within the bounds; raises ParameterInvalidError."""
        if self.choices:
            if isinstance(setting, str) and setting in self.choices:
                return setting
            raise ParameterInvalidError(
                f"{self.name} is {setting!r}; it should be one of {', '.join(self.choices)}",
                name=self.name,
                allowed=", ".join(self.choices),
            )
        if isinstance(setting, int) and not isinstance(setting, bool) and self.minimum <= setting <= self.maximum:
            return setting
        allowed = f"{self.minimum:,} … {self.maximum:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
        raise ParameterInvalidError(
            f"{self.name} is {setting!r}; it should be from {self.minimum} to {self.maximum}",
            name=self.name,
            allowed=allowed,
        )

    def parse(self, text: str) -> Setting:
        """What a person typed, as a checked setting; raises ParameterInvalidError."""
        if self.choices:
            return self.check(text.strip().lower())
        number = whole_number(text)
        return self.check(text.strip() if number is None else number)


class Control(Protocol):
    """Shared by a running kernel and whoever waits for it: the way to stop it, and how far it has come."""

    @property
    def cancelled(self) -> bool:
        """A kernel looks here at least every 50 ms and raises (in C: returns) when it is set."""

    def cancel(self) -> None: ...

    @property
    def done(self) -> int:
        """How many units of work are done."""

    @done.setter
    def done(self, units: int) -> None: ...


Kernel: TypeAlias = Callable[[Arguments, Control], Value]
"""A kernel as Python calls it: complete arguments in, the answer out. Raises CallCancelledError when told to stop."""


class CallCancelledError(Exception):
    """Raised by a kernel that has found `Control.cancelled` set. It never leaves the room."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NativeKernel:
    """A kernel that needs no Python at all while it runs: a C function of the shape in `telpher_kernel.h`.

    `encode` gives the function's arguments (at most 16 whole numbers of 64 bits), `decode` reads its answer out of the result's three
    fields: the whole number, the real one, and the bytes.
    """

    function: object
    """A capsule named `telpher.kernel.1`, as `telpher_kernel.h` tells how to make."""
    encode: Callable[[Arguments], Sequence[int]]
    decode: Callable[[int, float, bytes], Value]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Module:
    """A computation that a person can choose, set and run."""

    name: str
    """Lower-case ASCII; what the command line and buttons call it."""
    titles: Titles
    descriptions: Titles
    """One or two sentences: what a call does."""
    parameters: tuple[Parameter, ...]
    reference: Callable[[Arguments], Value]
    """Plain Python that defines the answer. Slow: for tests on small inputs."""
    units: Titles
    """What a unit of work is called ("terms")."""
    work: Callable[[Arguments], int]
    """How many units of work one call is."""
    describe: Callable[[Value, Arguments, str], str]
    """The answer of one call in words, in the language given."""
    native: NativeKernel | None = None
    kernel: Kernel | None = None
    """For a kernel that is not a C function of our shape. One of the two is there unless the module is unavailable."""
    memory_bytes: Callable[[Arguments], int] = lambda _: 0
    """How much memory one call needs at most: reserved before it starts."""
    answer_bytes: Callable[[Arguments], int] = lambda _: 0
    """How long one answer is, when it is a long text: a run keeps those of all of its calls."""
    threads: Callable[[Arguments], int] = lambda _: 1
    """How many threads one call uses by itself."""
    warms: Callable[[Arguments], bool] = lambda _: False
    """Whether calls leave something behind that makes the next ones faster: such runs begin with calls that are not timed."""
    cool: Callable[[], None] = lambda: None
    """Give back what calls left behind. Called when a run is over."""
    calls: int = DEFAULT_CALLS
    """How many calls a run makes when nothing else is said."""
    unavailable: Titles | None = None
    """Why this module cannot be run here; None when it can."""
    setting_unavailable: Callable[[str, Setting], Titles | None] = lambda _name, _setting: None
    """Why one setting (parameter's name, setting) cannot be used here; None when it can."""

    def parameter(self, name: str) -> Parameter:
        """The parameter of this name; raises ParameterInvalidError."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(parameter.name for parameter in self.parameters)
        raise ParameterInvalidError(f"{self.name} has no parameter {name}; it has {known}", name=name, allowed=known)

    def complete(self, arguments: Arguments) -> dict[str, Setting]:
        """`arguments` checked, with defaults for what is missing; raises ParameterInvalidError."""
        for name in arguments:
            self.parameter(name)
        complete = {
            parameter.name: parameter.check(arguments.get(parameter.name, parameter.default))
            for parameter in self.parameters
        }
        for name, setting in complete.items():
            reason = self.setting_unavailable(name, setting)
            if reason is not None and self.parameter(name).is_relevant(complete):
                raise ParameterInvalidError(
                    f"{name} cannot be {setting} here: {reason['en']}", name=name, allowed=reason["en"]
                )
        return complete


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallTiming:
    """One call of a run: who ran it and when, in seconds since the run began."""

    worker: str
    """Such as `thread 1` or `process 4711`; equal names are equal workers."""
    start_s: float
    end_s: float
    value: Value

    @property
    def took_s(self) -> float:
        return self.end_s - self.start_s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """What came of running a module's calls by one strategy."""

    module: str
    arguments: Arguments
    strategy: str
    wall_s: float
    """From before the first call was handed out until the last answer was there: what a person waits."""
    calls: tuple[CallTiming, ...]
    """In the order in which they began."""

    @property
    def value(self) -> Value:
        """The answer (all calls give the same)."""
        return self.calls[0].value


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run has come."""

    strategy: str
    calls_done: int
    calls: int
    fraction: float
    """0 … 1 over all calls, their insides counted where the kernel tells."""


TellRun: TypeAlias = Callable[[RunProgress], None]
"""Called on the loop, a few times a second. Returns at once, raises nothing."""


class Strategy(Protocol):
    """A way to run several calls of a module. Adding one is one class in `strategies.py`."""

    name: str
    titles: Titles
    descriptions: Titles

    def unavailable(self, module: Module) -> Titles | None:
        """Why `module` cannot be run this way here; None when it can."""

    def concurrency(self, module: Module, arguments: Arguments, calls: int) -> int:
        """How many calls run at the same time."""

    async def run(self, module: Module, arguments: Arguments, calls: int, tell: TellRun) -> Run:
        """Run them, off the loop. When cancelled, the kernels are told to stop and have stopped when this returns."""
