"""The computation's conversation: one message that grows from a button to a table of times and speed-ups. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telegram import InlineKeyboardMarkup

from telpher.actions.run_module import ComputeProgress, StrategyTime
from telpher.bot import keyboards, views
from telpher.bot.compute_callbacks import AfterRun, Next
from telpher.bot.formats import escape, number, percent, shorten
from telpher.bot.receipt_views import Tracked, deeds_for
from telpher.bot.setup_views import time_of
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.compute.port import Module, RunProgress
from telpher.jobs.port import JobState

LESSON = ("search", "pi")
_ANSWER_LIMIT = 200


def title_of(texts: Texts, titles: Mapping[str, str], name: str) -> str:
    """A module's title in the person's language."""
    return titles.get(texts.language) or titles.get("en") or name


def _place_in_lesson(module: Module) -> int:
    return LESSON.index(module.name) if module.name in LESSON else len(LESSON)


class Conversation:
    """Knows the modules, and where one reads how to add another.

    The lesson's modules come first, one after the other; when they are done, all others are offered.
    """

    def __init__(self, modules: Sequence[Module], page_url: str) -> None:
        self._modules = tuple(sorted(modules, key=_place_in_lesson))
        self._page_url = page_url

    def opening(self, texts: Texts) -> Screen:
        """`/compute`: what this is, and the first button."""
        return Screen(f"🧮 {texts.t('compute.opening')}", self._offer(texts, self._modules[:1]))

    def show(self, texts: Texts, tracked: Sequence[Tracked]) -> Screen:
        """All runs of this conversation so far, in their order; then the next button, or the way to one's own module."""
        parts = [self._run(texts, one) for one in tracked]
        last = tracked[-1].job
        if last.state is not JobState.SUCCEEDED:
            return Screen("\n\n".join(parts), keyboards.job(texts, int(last.id), deeds_for(last)))
        if not last.payload["is_lesson"]:
            return Screen("\n\n".join(parts), _afterwards(texts))
        done = {one.job.payload["module"] for one in tracked}
        left = [module for module in self._modules if module.name not in done]
        if any(module.name in LESSON for module in left):
            parts.append(texts.t("compute.next", module=escape(title_of(texts, left[0].titles, left[0].name))))
            return Screen("\n\n".join(parts), self._offer(texts, left[:1]))
        parts.append(self._farewell(texts))
        return Screen("\n\n".join(parts), self._offer(texts, left) if left else None)

    def _offer(self, texts: Texts, modules: Sequence[Module]) -> InlineKeyboardMarkup:
        return keyboards.modules([(f"▶️ {title_of(texts, one.titles, one.name)}", one.name) for one in modules])

    def _farewell(self, texts: Texts) -> str:
        if self._page_url.startswith(("https://", "http://")):
            return f"💡 {texts.t('compute.own_module_link', url=escape(self._page_url).replace(chr(34), '%22'))}"
        return f"💡 {texts.t('compute.own_module')}"

    def _run(self, texts: Texts, tracked: Tracked) -> str:
        job = tracked.job
        title = f"🧮 <b>{escape(title_of(texts, job.payload['titles'], job.payload['module']))}</b>"
        labels = {name: title_of(texts, titles, name) for name, titles in job.payload["strategies"].items()}
        if job.state is JobState.SUCCEEDED and job.result is not None:
            times = [StrategyTime(run["strategy"], run["wall_s"]) for run in job.result["runs"]]
            answer = escape(shorten(title_of(texts, job.result["answers"], ""), _ANSWER_LIMIT))
            agreed = texts.n("compute.agreed" if job.result["is_agreed"] else "compute.differ", len(times))
            return "\n".join([title, table(texts, labels, times), answer, agreed])
        if job.state is JobState.RUNNING:
            if isinstance(tracked.progress, ComputeProgress):
                return f"{title}\n{table(texts, labels, tracked.progress.finished, tracked.progress.current)}"
            return f"{title}\n{texts.t('compute.begins')}"
        return f"{title}\n{views.job_state(texts, job, None, tracked.place)}"


def _afterwards(texts: Texts) -> InlineKeyboardMarkup:
    """Under a run of the person's own making: another one, and what was run before."""
    return InlineKeyboardMarkup(
        [
            [
                keyboards.button(f"🧮 {texts.t('workshop.another')}", AfterRun(Next.ANOTHER)),
                keyboards.button(f"🕘 {texts.t('workshop.history')}", AfterRun(Next.HISTORY)),
            ]
        ]
    )


def table(
    texts: Texts, labels: Mapping[str, str], times: Sequence[StrategyTime], current: RunProgress | None = None
) -> str:
    """Ways, times and how many times as fast as the first; narrow enough for a phone (30 columns or so)."""
    width = max(len(label) for label in labels.values())
    shown = [time_of(texts, time.wall_s) for time in times]
    time_width = max((len(one) for one in shown), default=0)
    lines = []
    for time, wall in zip(times, shown, strict=True):
        ratio = f"×{number(texts, times[0].wall_s / time.wall_s, 2)}" if time.wall_s > 0 else ""
        lines.append(f"{labels[time.strategy]:<{width}}  {wall:>{time_width}}  {ratio}".rstrip())
    if current is not None:
        cells = "■" * current.calls_done + "□" * (current.calls - current.calls_done)
        if current.calls == 1:
            # One long call tells more by its inside than by a single box.
            cells = texts.t("format.percent", percent=percent(current.fraction))
        lines.append(f"{labels[current.strategy]:<{width}}  {cells}")
    return f"<pre>{escape(chr(10).join(lines))}</pre>"
