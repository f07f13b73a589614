"""From results to what stands in the chat: HTML text and buttons, in the person's language. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from telegram import InlineKeyboardMarkup

from telpher.access import Right, Role
from telpher.actions import run_module
from telpher.actions.cards import Card
from telpher.actions.follow_jobs import JobLine
from telpher.actions.get_back import TooBigToSendError
from telpher.bot import keyboards
from telpher.bot.formats import bar, duration, escape, percent, reason, shorten, size, speed, when
from telpher.bot.texts import Texts
from telpher.drives.port import Entry
from telpher.errors import TelpherError
from telpher.jobs.port import Job, JobState
from telpher.transfers.port import Progress

_NAME_LIMIT = 80


@dataclasses.dataclass(frozen=True)
class Screen:
    """A message: HTML and what stands under it."""

    text: str
    keyboard: InlineKeyboardMarkup | None = None


def bold(name: str) -> str:
    """A name from outside, shown prominently and never longer than a phone bears."""
    return f"<b>{escape(shorten(name, _NAME_LIMIT))}</b>"


def start(texts: Texts, first_name: str) -> Screen:
    """The first words."""
    return Screen(texts.t("start.text", name=escape(first_name)))


def help_(texts: Texts, rights: Collection[Right], bot_name: str) -> Screen:
    """What somebody with these rights can do here."""
    sections = {
        "help.saving": Right.SEND_FILES,
        "help.drive": Right.USE_DRIVE,
        "help.workshop": Right.COMPUTE,
        "help.owners": Right.OPERATE,
    }
    told = [texts.t(key, bot=bot_name) for key, right in sections.items() if right in rights]
    return Screen("\n\n".join([*told, texts.t("help.more")]))


def greeting(texts: Texts, first_name: str) -> Screen:
    """`/hello`."""
    return Screen(texts.t("hello.text", name=escape(first_name)))


def who(texts: Texts, person_id: int, role: Role) -> Screen:
    """`/whoami`."""
    return Screen(texts.t("whoami.text", id=person_id, role=texts.t(f"role.{role.value}")))


def kind_of(texts: Texts, entry: Entry) -> str:
    """In a word: picture, video, PDF, …"""
    if entry.is_folder:
        return texts.t("kind.folder")
    kind, _, subtype = entry.mime_type.partition("/")
    if kind in {"image", "video", "audio", "text"}:
        return texts.t(f"kind.{kind}")
    if subtype == "pdf":
        return "PDF"
    if keyboards.icon(entry.mime_type) == "🗜":
        return texts.t("kind.archive")
    is_office = subtype.startswith("vnd.")
    return texts.t("kind.document" if is_office else "kind.file")


def entry(
    texts: Texts, card: Card, *, note: str = "", undo_id: int | None = None, back: keyboards.Back | None = None
) -> Screen:
    """An entry's card; `note` says what has just happened to it."""
    shown = card.entry
    facts = [kind_of(texts, shown), when(texts, shown.modified_at)]
    if shown.size_bytes is not None:
        facts.insert(0, size(texts, shown.size_bytes))
    lines = [f"{keyboards.icon(shown.mime_type, is_folder=shown.is_folder)} {bold(shown.name)}", " · ".join(facts)]
    if note:
        lines.append(note)
    return Screen("\n".join(lines), keyboards.entry(texts, card, undo_id, back))


def trashed(texts: Texts, name: str, undo_id: int | None, back: keyboards.Back | None) -> Screen:
    """Where a card was, after Delete."""
    fate = texts.t("entry.trashed" if undo_id is not None else "entry.deleted")
    return Screen(f"🗑 {bold(name)}\n{fate}", keyboards.trashed(texts, undo_id, back))


def refusal(texts: Texts, error: TelpherError) -> str:
    """Why not, in words."""
    return reason(texts, error.text_key, error.params)


def refused_file(texts: Texts, name: str, error: TelpherError) -> Screen:
    """A file that was not accepted: what it was and why."""
    return Screen(f"⚠️ {bold(name)}\n{refusal(texts, error)}" if name else f"⚠️ {refusal(texts, error)}")


def too_big_to_send(texts: Texts, name: str, error: TooBigToSendError) -> Screen:
    """Why it does not come into the chat, and the way to it where there is one."""
    lines = [f"⚠️ {bold(name)}", refusal(texts, error)]
    if error.link:
        lines.append(texts.t("send.open_instead"))
        return Screen("\n".join(lines), keyboards.link(texts, error.link))
    return Screen("\n".join(lines))


def jobs(texts: Texts, lines: Sequence[JobLine], progress: Mapping[int, object]) -> Screen:
    """What is going on, newest first."""
    if not lines:
        return Screen(f"☕️ {texts.t('jobs.none')}", keyboards.jobs(texts, []))
    shown = [f"<b>{texts.n('jobs.title', len(lines))}</b>"]
    cancellable = []
    for number, line in enumerate(lines, start=1):
        state = job_state(texts, line.job, progress.get(line.job.id), line.place)
        shown.append(f"{number}. {escape(shorten(job_title(texts, line.job), _NAME_LIMIT))}\n{state}")
        cancellable.append((number, int(line.job.id)))
    return Screen("\n\n".join(shown), keyboards.jobs(texts, cancellable))


def job_title(texts: Texts, job: Job) -> str:
    """What a job is about: a file's name, a module's title."""
    if job.kind == run_module.KIND:
        titles = job.payload["titles"]
        return texts.t("jobs.computation", module=titles.get(texts.language) or titles["en"])
    return str(job.payload["name"])


def job_state(texts: Texts, job: Job, progress: object | None = None, place: int | None = None) -> str:
    """How it goes, in a line or two."""
    state = why = reason(texts, job.error_key, job.error_params)
    match job.state:
        case JobState.QUEUED:
            state = texts.n("job.before", place) if place else texts.t("job.queued")
        case JobState.RUNNING:
            state = _running(texts, job, progress)
        case JobState.WAITING:
            state = f"{why}\n{texts.t('job.tried_again')}"
        case JobState.PAUSED:
            state = f"{why}\n{texts.t('job.paused')}"
        case JobState.SUCCEEDED:
            state = texts.t("job.done")
        case JobState.FAILED:
            pass  # the reason says it all
        case JobState.CANCELLED:
            state = texts.t("job.cancelled")
    return state


def _running(texts: Texts, job: Job, progress: object | None) -> str:
    if job.kind == run_module.KIND:
        return computing(texts, len(job.payload["strategies"]), progress)
    return running(texts, progress) if isinstance(progress, Progress) else texts.t("job.running")


def computing(texts: Texts, strategies_count: int, progress: object | None) -> str:
    """How far all ways together are."""
    if not isinstance(progress, run_module.ComputeProgress):
        return texts.t("compute.begins")
    fraction = (len(progress.finished) + progress.current.fraction) / strategies_count
    return f"{bar(fraction)} {texts.t('format.percent', percent=percent(fraction))}"


def running(texts: Texts, progress: Progress) -> str:
    """A bar, how much of how much, how fast, how long yet."""
    if progress.waiting_key is not None and texts.has(progress.waiting_key):
        return texts.t(progress.waiting_key)
    if not progress.total_bytes:
        return (
            f"{texts.t('job.running')} · {size(texts, progress.done_bytes)}"
            if progress.done_bytes
            else texts.t("job.running")
        )
    fraction = progress.done_bytes / progress.total_bytes
    done, total = size(texts, progress.done_bytes), size(texts, progress.total_bytes)
    lines = [
        f"{bar(fraction)} {texts.t('format.percent', percent=percent(fraction))}",
        texts.t("job.of", done=done, total=total),
    ]
    if progress.bytes_per_s:
        lines[1] += f" · {speed(texts, progress.bytes_per_s)}"
    if progress.seconds_left is not None and progress.done_bytes < progress.total_bytes:
        lines[1] += f" · {texts.t('job.left', duration=duration(texts, progress.seconds_left))}"
    return "\n".join(lines)
