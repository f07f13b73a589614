"""Put a run together by buttons: a module, its parameters, the ways to run it; kept under a token that only its person can use."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NewType, TypeVar

import sqlalchemy as sa

from telpher.access import Access, Right
from telpher.actions.computations import Computation, Computations
from telpher.actions.run_module import STRATEGIES, Plan, RunAccepted, RunModule
from telpher.compute.port import DEFAULT_CALLS, Arguments, Module, Parameter, Setting, Strategy
from telpher.compute.workshop import MOST_CALLS
from telpher.errors import BadInputError, StaleButtonError
from telpher.store import Store
from telpher.store.schema import compute_setups

T = TypeVar("T")

SetupToken = NewType("SetupToken", str)
"""Names a setup in buttons: at most 16 word characters."""

Written = NewType("Written", str)
"""A whole number in a button: at most a sign and 20 digits."""

CALLS = Parameter(
    name="calls",
    titles={"en": "Calls", "ru": "Вызовов"},
    default=DEFAULT_CALLS,
    minimum=1,
    maximum=MOST_CALLS,
    steps=(1, 2, 5, 10, 20),
)
"""How many calls a run makes: set as a module's parameters are, with the place after theirs."""

_KEPT_MS = 30 * 24 * 3600 * 1000


class NothingToRunError(BadInputError):
    """No strategy is ticked."""

    text_key = "error.no_strategy"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """A run as it is put together so far. `arguments` are complete; `strategies` are in the workshop's order."""

    token: SetupToken
    module: Module
    arguments: Arguments
    strategies: tuple[str, ...]
    calls: int

    @property
    def offered(self) -> tuple[tuple[int, Parameter], ...]:
        """What buttons can set beside the other settings, with its place in the module."""
        return tuple(
            (place, parameter)
            for place, parameter in enumerate(self.module.parameters)
            if parameter.is_open and parameter.is_relevant(self.arguments)
        )

    def parameter(self, place: int) -> Parameter:
        """What stands at this place. Raises StaleButtonError."""
        return _at((*self.module.parameters, CALLS), place)

    def setting(self, place: int) -> Setting:
        """What it is set to."""
        parameter = self.parameter(place)
        return self.calls if parameter is CALLS else self.arguments[parameter.name]


class SetUpRun:
    """All steps raise AccessDeniedError, and StaleButtonError for what is not this person's or not there any more."""

    def __init__(
        self,
        *,
        access: Access,
        store: Store,
        run_module: RunModule,
        computations: Computations,
        modules: Mapping[str, Module],
        strategies: Sequence[Strategy],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._access = access
        self._store = store
        self._run_module = run_module
        self._computations = computations
        self._modules = dict(modules)
        self.strategies = tuple(strategies)
        """In the order of the buttons."""
        self._now_ms = now_ms

    def modules(self, person_id: int) -> tuple[Module, ...]:
        """What can be run here."""
        self._access.require(person_id, Right.COMPUTE)
        return self._run_module.offered()

    async def begin(self, person_id: int, module_name: str, *, key: str) -> Setup:
        """The setup that `key` names, begun with the module's defaults if there is none."""
        self._access.require(person_id, Right.COMPUTE)
        module = self._module(module_name)
        usable = [one.name for one in self.strategies if one.unavailable(module) is None]
        chosen = [name for name in STRATEGIES if name in usable]
        return await self._begin(person_id, key, module, module.complete({}), chosen or usable[:1], module.calls)

    async def begin_like(self, person_id: int, computation_id: int, *, key: str) -> Setup:
        """As an earlier run was."""
        self._access.require(person_id, Right.COMPUTE)
        earlier = await self._computations.get(person_id, computation_id)
        module = self._module(earlier.module)
        arguments = module.complete(earlier.arguments)
        return await self._begin(person_id, key, module, arguments, list(earlier.walls_s), int(earlier.result["calls"]))

    async def get(self, person_id: int, token: str) -> Setup:
        """As it is now."""
        self._access.require(person_id, Right.COMPUTE)
        query = sa.select(compute_setups).where(
            compute_setups.c.token == token, compute_setups.c.person_id == person_id
        )
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            raise StaleButtonError("no such setup of theirs")
        module = self._module(row.module)
        return Setup(
            token=SetupToken(row.token),
            module=module,
            arguments=module.complete(row.arguments),
            strategies=self._in_order(row.strategies),
            calls=row.calls,
        )

    async def set_parameter(self, person_id: int, token: str, place: int, option: int) -> Setup:
        """Set what stands at `place` to what its `options` have at `option`."""
        setup = await self.get(person_id, token)
        return await self._set(person_id, setup, place, _at(setup.parameter(place).options, option))

    async def write_parameter(self, person_id: int, token: str, place: int, written: str) -> Setup:
        """Set what stands at `place` to what a person, or a button, has written. Also raises ParameterInvalidError."""
        setup = await self.get(person_id, token)
        return await self._set(person_id, setup, place, setup.parameter(place).parse(written))

    async def _set(self, person_id: int, setup: Setup, place: int, setting: Setting) -> Setup:
        parameter = setup.parameter(place)
        if parameter is CALLS:
            return await self._change(person_id, setup, calls=int(setting))
        arguments = {**setup.arguments, parameter.name: setting}
        return await self._change(person_id, setup, arguments=setup.module.complete(arguments))

    async def set_strategy(self, person_id: int, token: str, place: int, *, is_on: bool) -> Setup:
        """Tick a way, or take the tick off. Raises what `Workshop.check` raises only when it is run."""
        setup = await self.get(person_id, token)
        strategy = _at(self.strategies, place)
        if is_on and strategy.unavailable(setup.module) is not None:
            raise StaleButtonError("cannot be used here")
        chosen = {*setup.strategies, strategy.name} if is_on else {*setup.strategies} - {strategy.name}
        return await self._change(person_id, setup, strategies=list(self._in_order(chosen)))

    async def run(self, person_id: int, token: str, *, chat_id: int, message_id: int) -> RunAccepted:
        """Run it: once, however often it is pressed. Also raises NothingToRunError and what `RunModule.request` raises."""
        setup = await self.get(person_id, token)
        if not setup.strategies:
            raise NothingToRunError("nothing is ticked")
        plan = Plan(
            module=setup.module.name,
            chat_id=chat_id,
            message_id=message_id,
            arguments=setup.arguments,
            strategies=setup.strategies,
            calls=setup.calls,
            is_lesson=False,
        )
        return await self._run_module.request(person_id, plan, key=f"setup:{token}")

    async def history(self, person_id: int, limit: int) -> tuple[Computation, ...]:
        """This person's last runs, newest first."""
        self._access.require(person_id, Right.COMPUTE)
        return await self._computations.last(person_id, limit)

    async def earlier(self, person_id: int, computation_id: int) -> Computation:
        """One of them."""
        self._access.require(person_id, Right.COMPUTE)
        return await self._computations.get(person_id, computation_id)

    async def show_again(self, person_id: int, computation_id: int, *, chat_id: int, message_id: int, key: str) -> None:
        """Send the picture of one of them once more: once for each `key`."""
        done = await self.earlier(person_id, computation_id)
        await self._run_module.show_again(done, chat_id=chat_id, message_id=message_id, key=key)

    def _module(self, name: str) -> Module:
        module = self._modules.get(name)
        if module is None or module.unavailable is not None:
            raise StaleButtonError("no such module here")
        return module

    def _in_order(self, names: Sequence[str] | set[str]) -> tuple[str, ...]:
        return tuple(one.name for one in self.strategies if one.name in names)

    async def _begin(  # noqa: PLR0917 - private, and each is a column
        self, person_id: int, key: str, module: Module, arguments: Arguments, strategies: list[str], calls: int
    ) -> Setup:
        values = {
            "token": secrets.token_urlsafe(9),
            "key": key,
            "person_id": person_id,
            "module": module.name,
            "arguments": dict(arguments),
            "strategies": strategies,
            "calls": calls,
            "created_ms": self._now_ms(),
        }

        def put(connection: sa.Connection) -> str:
            same = sa.select(compute_setups.c.token).where(
                compute_setups.c.key == key, compute_setups.c.person_id == person_id
            )
            known: str | None = connection.execute(same).scalar()
            if known is not None:
                return known
            expired = compute_setups.c.created_ms < self._now_ms() - _KEPT_MS
            connection.execute(sa.delete(compute_setups).where(expired))
            connection.execute(sa.insert(compute_setups).values(values))
            return str(values["token"])

        return await self.get(person_id, await self._store.write(put))

    async def _change(self, person_id: int, setup: Setup, **values: Mapping[str, Setting] | list[str] | int) -> Setup:
        change = sa.update(compute_setups).where(compute_setups.c.token == setup.token).values(values)
        await self._store.write(lambda connection: connection.execute(change))
        return await self.get(person_id, setup.token)


def _at(offered: Sequence[T], place: int) -> T:
    if not 0 <= place < len(offered):
        raise StaleButtonError("not offered any more")
    return offered[place]
