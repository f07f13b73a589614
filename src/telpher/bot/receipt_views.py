"""What a receipt shows: one file on its way into the drive, an album, a burst of files, a file on its way into the chat. Pure."""

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
PAGE_FILES = 10
"""As many as an album has at most: more are shown page by page."""
_NAMED_FILES = 3
_NAMED_FAILURES = 5
_TROUBLED = {JobState.FAILED, JobState.WAITING, JobState.PAUSED}
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
    twin: Card | None = None
    """The same content, which was in the drive before."""

    @property
    def name(self) -> str:
        """What the file is called now."""
        return self.card.entry.name if self.card else str(self.job.payload["name"])


def accepted(texts: Texts, receipt_id: int, all_tracked: Sequence[Tracked]) -> Screen:
    """Of files on their way, nothing but what will be true whatever becomes of them."""
    lines = []
    if len(all_tracked) > PAGE_FILES:
        lines.append(f"📥 <b>{texts.n('album.title', len(all_tracked))}</b>")
    for tracked in all_tracked if len(all_tracked) <= PAGE_FILES else ():
        size_bytes = tracked.job.payload["size_bytes"]
        detail = f" · {size(texts, size_bytes)}" if size_bytes is not None else ""
        lines.append(f"📥 {bold(shorten(tracked.name, _ALBUM_NAME_LIMIT))}{detail}")
    lines.append(texts.t("receipt.accepted"))
    if len(all_tracked) == 1:
        return Screen("\n".join(lines), keyboards.job(texts, int(all_tracked[0].job.id), [JobDeed.CANCEL]))
    return Screen("\n".join(lines), keyboards.album(texts, receipt_id, [JobDeed.CANCEL], ()))


def saved(texts: Texts, receipt_id: int, tracked: Tracked) -> Screen:
    """One file on its way into the drive."""
    job = tracked.job
    if tracked.card is not None:
        if tracked.card.entry.is_trashed:
            return views.trashed(texts, tracked.name, None, None)
        note = f"✅ {texts.t('receipt.verified')}"
        if place := (job.result or {}).get("place"):
            note += f"\n📁 {escape(shorten(' › '.join(place), _PLACE_LIMIT))}"
        twin = tracked.twin
        if twin is None or twin.entry.is_trashed:
            return views.entry(texts, tracked.card, note=note)
        note += f"\n♻️ {texts.t('twin.found', name=escape(shorten(twin.entry.name, _ALBUM_NAME_LIMIT)))}"
        screen = views.entry(texts, tracked.card, note=note)
        return Screen(screen.text, keyboards.with_twin(texts, screen.keyboard, receipt_id, tracked.card, twin))
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
    lines = [f"🗂 <b>{texts.n('album.title', len(all_tracked))}</b>", *_numbered(texts, all_tracked, 1)]
    if any(not tracked.job.state.is_final for tracked in all_tracked):
        if (fraction := _fraction(all_tracked)) is not None:
            lines.append(f"{bar(fraction)} {texts.t('format.percent', percent=percent(fraction))}")
    elif all(tracked.job.state is JobState.SUCCEEDED for tracked in all_tracked):
        lines.append(texts.t("album.verified"))
    deeds = _deeds_for_all(all_tracked)
    return Screen("\n".join(lines), keyboards.album(texts, receipt_id, deeds, _tokens(all_tracked, 1)))


def burst(
    texts: Texts, receipt_id: int, all_tracked: Sequence[Tracked], progress: Progress, *, has_cards: bool
) -> Screen:
    """Many files that came one by one: how they do together. `has_cards`: the person may look at them."""
    count = len(all_tracked)
    is_final = all(tracked.job.state.is_final for tracked in all_tracked)
    done = [tracked for tracked in all_tracked if tracked.job.state is JobState.SUCCEEDED]
    title = f"🗂 <b>{texts.n('album.title', count)}</b>"
    if len(done) == count:
        title = f"✅ <b>{texts.n('burst.verified', count)}</b>"
    lines = [title]
    if len(done) < count:
        lines.append(_counts(texts, all_tracked))
    if not is_final:
        lines.append(views.running(texts, progress))
        running = [tracked for tracked in all_tracked if tracked.job.state is JobState.RUNNING]
        lines += [_line(texts, tracked) for tracked in [*running, *reversed(done)][:_NAMED_FILES]]
    troubled = [tracked for tracked in all_tracked if tracked.job.state in _TROUBLED]
    lines += [_line(texts, tracked) for tracked in troubled[:_NAMED_FAILURES]]
    if len(troubled) > _NAMED_FAILURES:
        lines.append(texts.n("burst.more", len(troubled) - _NAMED_FAILURES))
    keyboard = keyboards.burst(
        texts, receipt_id, _deeds_for_all(all_tracked), has_list=is_final and has_cards and bool(done)
    )
    return Screen("\n".join(lines), keyboard)


def burst_page(texts: Texts, receipt_id: int, shown: Sequence[Tracked], page: int, count: int) -> Screen:
    """Some of many files, with their numbers among all."""
    first = page * PAGE_FILES + 1
    lines = [f"🗂 <b>{texts.n('album.title', count)}</b>", *_numbered(texts, shown, first)]
    pages = -(-count // PAGE_FILES)
    return Screen("\n".join(lines), keyboards.burst_page(texts, receipt_id, page, pages, _tokens(shown, first)))


def total_of(all_tracked: Sequence[Tracked]) -> tuple[int, int | None]:
    """How many bytes of all have arrived, and how many there are (None where that is not known of each)."""
    total: int | None = 0
    done = 0
    for tracked in all_tracked:
        size_bytes = tracked.job.payload["size_bytes"]
        total = None if total is None or size_bytes is None else total + size_bytes
        if tracked.job.state is JobState.SUCCEEDED:
            done += size_bytes or 0
        elif isinstance(tracked.progress, Progress):
            done += min(tracked.progress.done_bytes, tracked.progress.done_bytes if size_bytes is None else size_bytes)
    return done, total


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


def _deeds_for_all(all_tracked: Sequence[Tracked]) -> list[JobDeed]:
    states = {tracked.job.state for tracked in all_tracked}
    is_final = all(state.is_final for state in states)
    deeds = []
    if states & _TROUBLED or (is_final and JobState.CANCELLED in states):
        deeds.append(JobDeed.RETRY)
    if not is_final:
        deeds.append(JobDeed.CANCEL)
    return deeds


def _tokens(all_tracked: Sequence[Tracked], first: int) -> list[tuple[int, str]]:
    numbered = enumerate(all_tracked, start=first)
    return [(number, tracked.card.token) for number, tracked in numbered if tracked.card is not None]


def _numbered(texts: Texts, all_tracked: Sequence[Tracked], first: int) -> list[str]:
    return [_line(texts, tracked, f"{number}. ") for number, tracked in enumerate(all_tracked, start=first)]


def _line(texts: Texts, tracked: Tracked, number: str = "") -> str:
    is_trashed = tracked.card is not None and tracked.card.entry.is_trashed
    mark = "🗑" if is_trashed else _ICONS[tracked.job.state]
    again = " · ♻️" if (tracked.job.result or {}).get("twin") else ""
    return f"{mark} {number}{escape(shorten(tracked.name, _ALBUM_NAME_LIMIT))}{_album_detail(texts, tracked)}{again}"


def _counts(texts: Texts, all_tracked: Sequence[Tracked]) -> str:
    """How many are in the drive, have failed, were cancelled, are yet to come."""
    states = [tracked.job.state for tracked in all_tracked]
    counts = {
        "burst.done": states.count(JobState.SUCCEEDED),
        "burst.failed": states.count(JobState.FAILED),
        "burst.cancelled": states.count(JobState.CANCELLED),
        "burst.to_go": sum(not state.is_final for state in states),
    }
    return " · ".join(texts.n(key, count) for key, count in counts.items() if count)


def _album_detail(texts: Texts, tracked: Tracked) -> str:
    job = tracked.job
    if job.state is JobState.RUNNING and isinstance(tracked.progress, Progress) and tracked.progress.total_bytes:
        done = percent(tracked.progress.done_bytes / tracked.progress.total_bytes)
        return f" · {texts.t('format.percent', percent=done)}"
    if job.state in _TROUBLED:
        return f"\n      {views.job_state(texts, job).partition(chr(10))[0]}"
    size_bytes = tracked.card.entry.size_bytes if tracked.card else job.payload["size_bytes"]
    return f" · {size(texts, size_bytes)}" if size_bytes is not None else ""


def _fraction(all_tracked: Sequence[Tracked]) -> float | None:
    done, total = total_of(all_tracked)
    return done / total if total else None
