"""The part of the composition root that builds who is let in: roles, invitations, limits, floods, and the way out."""

from __future__ import annotations

import dataclasses

from telpher.access import Access, EntryRefs
from telpher.access.day_use import DayUse
from telpher.access.flood import FloodGate
from telpher.access.invitations import Invitations
from telpher.actions.cards import Cards
from telpher.actions.follow_jobs import FollowJobs
from telpher.actions.limited_queue import LimitedQueue, PersonLimits
from telpher.actions.my_drives import MyDrives
from telpher.actions.people import People
from telpher.actions.personal import Personal
from telpher.bot.doorstep import Doorstep
from telpher.bot.intake import Intake
from telpher.bot.prompts import Prompts
from telpher.jobs.embedded import EmbeddedQueue
from telpher.settings import Settings
from telpher.store import Store
from telpher.transfers.carrier import Carrier
from telpher.transfers.content_index import ContentIndex


@dataclasses.dataclass(frozen=True)
class Admission:
    """Built before everything that serves people."""

    store: Store
    access: Access
    engine: EmbeddedQueue
    queue: LimitedQueue
    """What everybody enqueues through; `engine` runs it."""
    day_use: DayUse
    invitations: Invitations
    flood: FloodGate

    def people(
        self, *, cards: Cards, follow_jobs: FollowJobs, carrier: Carrier, my_drives: MyDrives, prompts: Prompts
    ) -> People:
        """Letting in, changing, removing."""
        return People(
            access=self.access,
            invitations=self.invitations,
            cards=cards,
            queue=self.queue,
            free_job=follow_jobs.free,
            # Upload sessions are ended with the log-in that they were begun with, so that goes after them.
            farewells=[
                carrier.discard_all_of,
                my_drives.disconnect_all_of,
                EntryRefs(self.store).forget,
                prompts.forget_all_of,
                ContentIndex(self.store).forget_all_of,
                Personal(self.store).forget,
            ],
        )


async def build_admission(settings: Settings, *, store: Store, engine: EmbeddedQueue, intake: Intake) -> Admission:
    """`engine` is the queue that runs the jobs; everybody enqueues through `Admission.queue`."""
    access = Access(store, settings.owner_ids)
    await access.load()
    intake.ignore(Doorstep(access).is_noise)
    day_use = DayUse(store)
    limits = PersonLimits(
        jobs_at_once=settings.transfers_per_person,
        queue_length=settings.limit_queue,
        day_bytes=settings.limit_day_bytes,
        day_cpu_s=settings.limit_day_cpu_s,
    )
    return Admission(
        store=store,
        access=access,
        engine=engine,
        queue=LimitedQueue(engine, access=access, day_use=day_use, limits=limits),
        day_use=day_use,
        invitations=Invitations(store, access),
        flood=FloodGate(settings.flood_burst, settings.flood_per_minute / 60),
    )
