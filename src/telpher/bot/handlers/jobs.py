"""`/jobs`, and the buttons that cancel a job or try it again."""

from __future__ import annotations

from collections.abc import Sequence

from telpher.bot import views
from telpher.bot.callbacks import DoToAlbum, DoToJob, JobDeed, ListJobs
from telpher.bot.handlers.asked import Asked
from telpher.errors import StaleButtonError


async def jobs(asked: Asked) -> None:
    """What is going on."""
    await asked.show(await _list(asked))


async def refresh(asked: Asked, _callback: ListJobs) -> None:
    """The same list, as it is now."""
    await asked.put(await _list(asked))


async def do_to_job(asked: Asked, callback: DoToJob) -> None:
    """Cancel, Retry; the job's receipt shows the rest."""
    await _do(asked, callback.deed, [callback.job_id])


async def do_to_album(asked: Asked, callback: DoToAlbum) -> None:
    """Cancel or Retry for each of the album's jobs that it applies to."""
    receipt = await asked.desk.receipts.find(asked.person.id, callback.receipt_id)
    if receipt is None:
        raise StaleButtonError("no such receipt of theirs")
    await _do(asked, callback.deed, receipt.job_ids)


async def _do(asked: Asked, deed: JobDeed, job_ids: Sequence[int]) -> None:
    follow, receipts = asked.desk.follow_jobs, asked.desk.receipts
    if deed is JobDeed.CANCEL:
        done = await follow.cancel_all(asked.person.id, job_ids)
    else:
        done = await follow.retry_all(asked.person.id, job_ids)
        await receipts.reopen(done)
    await asked.toast(_told(asked, deed, is_done=bool(done)))
    await receipts.show_now(done)


def _told(asked: Asked, deed: JobDeed, *, is_done: bool) -> str:
    if deed is JobDeed.CANCEL:
        return asked.texts.t("toast.cancelled" if is_done else "toast.ended_already")
    return asked.texts.t("toast.retried" if is_done else "toast.nothing_to_retry")


async def _list(asked: Asked) -> views.Screen:
    lines = await asked.desk.follow_jobs.unfinished(asked.person.id)
    progress = {int(job_id): told for job_id, told in asked.desk.receipts.progress.items()}
    return views.jobs(asked.texts, lines, progress)
