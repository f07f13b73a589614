"""Begin to send something into a chat, as a job: pressed again while it is on its way, it is not begun a second time."""

from __future__ import annotations

import dataclasses
from typing import Any

from telpher.actions.drive_choice import account_of
from telpher.jobs.port import Job, JobState, NewJob, Queue

_LANE = "transfer"


@dataclasses.dataclass(frozen=True)
class SendAccepted:
    """It is on its way into the chat. `is_new` is False for a press that was accepted before."""

    job: Job
    is_new: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sending:
    """What is to be sent, and to which chat."""

    key: str
    """Names the press."""
    person_id: int
    chat_id: int
    reply_to: int | None
    drive: str
    name: str
    size_bytes: int | None
    link: str | None
    """Opens it in the drive, should it be too much for Telegram."""
    wanted: dict[str, Any]
    """Tells it from everything else that may be under way to the same chat; stands in the job's payload beside the rest."""


async def begin_sending(queue: Queue, kind: str, sending: Sending) -> SendAccepted:
    """The job of this kind that sends it: the one that is waiting or running, or a new one."""
    same = {"drive": sending.drive, "chat_id": sending.chat_id, **sending.wanted}
    for job in await queue.list_for(sending.person_id):
        is_same = job.kind == kind and same.items() <= dict(job.payload).items()
        if is_same and job.state in {JobState.QUEUED, JobState.RUNNING}:
            return SendAccepted(job, is_new=False)
    job, is_new = await queue.enqueue(
        NewJob(
            key=f"{kind}:{sending.key}",
            kind=kind,
            lane=_LANE,
            person_id=sending.person_id,
            account=account_of(sending.drive),
            payload={
                **same,
                "name": sending.name,
                "size_bytes": sending.size_bytes,
                "reply_to": sending.reply_to,
                "link": sending.link,
            },
        )
    )
    return SendAccepted(job, is_new)
