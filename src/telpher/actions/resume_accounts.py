"""Let an owner try again what waits for an account: after a log-in, or when somebody made room."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.access import Access, Right
from telpher.jobs.port import Queue
from telpher.store import Store
from telpher.store.schema import paused_accounts


class ResumeAccounts:
    """For all accounts at once: what is still wrong pauses its account anew."""

    def __init__(self, access: Access, store: Store, queue: Queue) -> None:
        self._access = access
        self._store = store
        self._queue = queue

    async def paused(self) -> list[str]:
        """The accounts whose jobs wait for a person."""
        return await self._store.read(lambda connection: list(connection.scalars(sa.select(paused_accounts.c.account))))

    async def request(self, person_id: int) -> int:
        """How many jobs go on. Raises AccessDeniedError for all but owners."""
        self._access.require(person_id, Right.OPERATE)
        return sum([await self._queue.resume_account(account) for account in await self.paused()])
