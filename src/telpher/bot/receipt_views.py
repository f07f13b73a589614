"""What a receipt shows: one file on its way into the drive, an album, a file on its way into the chat. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from telpher.actions.cards import Card
from telpher.bot import keyboards, views
from telpher.bot.callbacks import JobDeed
from telpher.bot.formats import bar, escape, percent, shorten, size
from telpher.bot.texts import Texts
from telpher.bot.views import Screen, bold
from telpher.jobs.port import Job, JobState
from telpher.transfers.port import Progress

_ICONS = {
    JobState.QUEUED: "⏳",
    JobState.RUNNING: "⬆️",
    JobState.WAITING: "⏸",
    JobState.PAUSED: "✋",
    JobState.SUCCEEDED: "✅",
    JobState.FAILED: "⚠️",
    JobState.CANCELLED: "✖️",
}
_ALBUM_NAME_LIMIT = 40
_OPENED_INSTEAD = {"error.too_big_to_send", "error.zip_too_big", "error.export_too_big", "error.too_much_to_zip"}
"""Trying again changes nothing; the drive's own page has it all."""
_PLACE_LIMIT = 120


@dataclasses.dataclass(frozen=True)
class Tracked:
    """A job that a receipt shows."""

    job: Job
    progress: object | None = None
    place: int | None = None
    card: Card | None = None
    """The entry that it made."""

    @property
    def name(self) -> str:
        """What the file is called now."""
        return self.card.entry.name if self.card else str(self.job.payload["name"])


def accepted(texts: Texts, receipt_id: int, all_tracked: Sequence[Tracked]) -> Screen:
    """Of files on their way, nothing but what will be true whatever becomes of them."""
    lines = []
    for tracked in all_tracked:
        size_bytes = tracked.job.payload["size_bytes"]
        detail = f" · {size(texts, size_bytes)}" if size_bytes is not None else ""
        lines.append(f"📥 {bold(shorten(tracked.name, _ALBUM_NAME_LIMIT))}{detail}")
    lines.append(texts.t("receipt.accepted"))
    if len(all_tracked) == 1:
        return Screen("\n".join(lines), keyboards.job(texts, int(all_tracked[0].job.id), [JobDeed.CANCEL]))
    return Screen("\n".join(lines), keyboards.album(texts, receipt_id, [JobDeed.CANCEL], ()))


def saved(texts: Texts, tracked: Tracked) -> Screen:
    """One file on its way into the drive."""
    job = tracked.job
    if tracked.card is not None:
        if tracked.card.entry.is_trashed:
            return views.trashed(texts, tracked.name, None, None)
        note = f"✅ {texts.t('receipt.verified')}"
        if place := (job.result or {}).get("place"):
            note += f"\n📁 {escape(shorten(' › '.join(place), _PLACE_LIMIT))}"
        return views.entry(texts, tracked.card, note=note)
    state = views.job_state(texts, job, tracked.progress, tracked.place)
    if job.state is JobState.SUCCEEDED:
        state = texts.t("receipt.verified")
    lines = [f"{_ICONS[job.state]} {bold(tracked.name)}", state]
    size_bytes = job.payload["size_bytes"]
    is_size_shown = isinstance(tracked.progress, Progress) and bool(tracked.progress.total_bytes)
    if job.state in {JobState.QUEUED, JobState.RUNNING} and size_bytes is not None and not is_size_shown:
        lines[1] = f"{size(texts, size_bytes)} · {state}"
    deeds = deeds_for(job)
    return Screen("\n".join(lines), keyboards.job(texts, int(job.id), deeds) if deeds else None)


def sent(texts: Texts, tracked: Tracked) -> Screen | None:
    """One file on its way into the chat; None when it has come: the file itself says so."""
    job = tracked.job
    if job.state is JobState.SUCCEEDED:
        return None
    icon = "📤" if job.state is JobState.RUNNING else _ICONS[job.state]
    state = texts.t("send.running") if job.state is JobState.RUNNING and tracked.progress is None else ""
    state = state or views.job_state(texts, job, tracked.progress, tracked.place)
    link = job.payload.get("link")
    if job.state is JobState.FAILED and link and job.error_key in _OPENED_INSTEAD:
        return Screen(
            f"{icon} {bold(tracked.name)}\n{state}\n{texts.t('send.open_instead')}", keyboards.link(texts, link)
        )
    deeds = deeds_for(job)
    return Screen(f"{icon} {bold(tracked.name)}\n{state}", keyboards.job(texts, int(job.id), deeds) if deeds else None)


def album(texts: Texts, receipt_id: int, all_tracked: Sequence[Tracked]) -> Screen:
    """Several files that were sent together."""
    lines = [f"🗂 <b>{texts.n('album.title', len(all_tracked))}</b>"]
    for number, tracked in enumerate(all_tracked, start=1):
        is_trashed = tracked.card is not None and tracked.card.entry.is_trashed
        mark = "🗑" if is_trashed else _ICONS[tracked.job.state]
        lines.append(
            f"{mark} {number}. {escape(shorten(tracked.name, _ALBUM_NAME_LIMIT))}{_album_detail(texts, tracked)}"
        )
    if any(not tracked.job.state.is_final for tracked in all_tracked):
        if (fraction := _fraction(all_tracked)) is not None:
            lines.append(f"{bar(fraction)} {texts.t('format.percent', percent=percent(fraction))}")
    elif all(tracked.job.state is JobState.SUCCEEDED for tracked in all_tracked):
        lines.append(texts.t("album.verified"))
    states = {tracked.job.state for tracked in all_tracked}
    deeds = []
    if states & {JobState.FAILED, JobState.WAITING, JobState.PAUSED}:
        deeds.append(JobDeed.RETRY)
    if any(not state.is_final for state in states):
        deeds.append(JobDeed.CANCEL)
    tokens = [(number, tracked.card.token) for number, tracked in enumerate(all_tracked, start=1) if tracked.card]
    return Screen("\n".join(lines), keyboards.album(texts, receipt_id, deeds, tokens))


def deeds_for(job: Job) -> list[JobDeed]:
    """What a person may do about a job in its state."""
    match job.state:
        case JobState.QUEUED | JobState.RUNNING:
            return [JobDeed.CANCEL]
        case JobState.WAITING | JobState.PAUSED:
            return [JobDeed.RETRY, JobDeed.CANCEL]
        case JobState.FAILED | JobState.CANCELLED:
            return [JobDeed.RETRY]
        case JobState.SUCCEEDED:
            return []


def _album_detail(texts: Texts, tracked: Tracked) -> str:
    job = tracked.job
    if job.state is JobState.RUNNING and isinstance(tracked.progress, Progress) and tracked.progress.total_bytes:
        done = percent(tracked.progress.done_bytes / tracked.progress.total_bytes)
        return f" · {texts.t('format.percent', percent=done)}"
    if job.state in {JobState.FAILED, JobState.WAITING, JobState.PAUSED}:
        return f"\n      {views.job_state(texts, job).partition(chr(10))[0]}"
    size_bytes = tracked.card.entry.size_bytes if tracked.card else job.payload["size_bytes"]
    return f" · {size(texts, size_bytes)}" if size_bytes is not None else ""


def _fraction(all_tracked: Sequence[Tracked]) -> float | None:
    total = done = 0
    for tracked in all_tracked:
        size_bytes = tracked.job.payload["size_bytes"]
        if size_bytes is None:
            return None
        total += size_bytes
        if tracked.job.state is JobState.SUCCEEDED:
            done += size_bytes
        elif isinstance(tracked.progress, Progress):
            done += min(size_bytes, tracked.progress.done_bytes)
    return done / total if total else None
