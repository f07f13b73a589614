"""The computation's conversation: one message that grows from a button to a table of times and speed-ups. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from telegram import InlineKeyboardMarkup

from telpher.actions.run_module import ComputeProgress, StrategyTime
from telpher.bot import keyboards, views
from telpher.bot.formats import escape, number
from telpher.bot.receipt_views import Tracked, deeds_for
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.compute.port import Module
from telpher.jobs.port import JobState


def title_of(texts: Texts, titles: Mapping[str, str], name: str) -> str:
    """A module's title in the person's language."""
    return titles.get(texts.language) or titles.get("en") or name


class Conversation:
    """Knows the modules in their order, and where one reads how to add another."""

    def __init__(self, modules: Sequence[Module], page_url: str) -> None:
        self._modules = tuple(modules)
        self._page_url = page_url

    def opening(self, texts: Texts) -> Screen:
        """`/compute`: what this is, and the first button."""
        return Screen(f"🧮 {texts.t('compute.opening')}", self._offer(texts, self._modules[0]))

    def show(self, texts: Texts, tracked: Sequence[Tracked]) -> Screen:
        """All runs of this conversation so far, in their order; then the next button, or the way to one's own module."""
        parts = [self._run(texts, one) for one in tracked]
        last = tracked[-1].job
        if last.state is not JobState.SUCCEEDED:
            return Screen("\n\n".join(parts), keyboards.job(texts, int(last.id), deeds_for(last)))
        done = {one.job.payload["module"] for one in tracked}
        waiting = next((module for module in self._modules if module.name not in done), None)
        if waiting is not None:
            parts.append(texts.t("compute.next", module=escape(title_of(texts, waiting.titles, waiting.name))))
            return Screen("\n\n".join(parts), self._offer(texts, waiting))
        parts.append(self._farewell(texts))
        return Screen("\n\n".join(parts))

    def _offer(self, texts: Texts, module: Module) -> InlineKeyboardMarkup:
        return keyboards.module(f"▶️ {title_of(texts, module.titles, module.name)}", module.name)

    def _farewell(self, texts: Texts) -> str:
        if self._page_url.startswith(("https://", "http://")):
            return f"💡 {texts.t('compute.own_module_link', url=escape(self._page_url).replace(chr(34), '%22'))}"
        return f"💡 {texts.t('compute.own_module')}"

    def _run(self, texts: Texts, tracked: Tracked) -> str:
        job = tracked.job
        title = f"🧮 <b>{escape(title_of(texts, job.payload['titles'], job.payload['module']))}</b>"
        if job.state is JobState.SUCCEEDED and job.result is not None:
            times = [StrategyTime(run["strategy"], run["wall_s"]) for run in job.result["runs"]]
            lines = [title, table(texts, times)]
            lines.append(texts.n("compute.agreed" if job.result["is_agreed"] else "compute.differ", len(times)))
            return "\n".join(lines)
        if job.state is JobState.RUNNING:
            if isinstance(tracked.progress, ComputeProgress):
                return f"{title}\n{table(texts, tracked.progress.finished, tracked.progress)}"
            return f"{title}\n{texts.t('compute.begins')}"
        return f"{title}\n{views.job_state(texts, job, None, tracked.place)}"


def table(texts: Texts, times: Sequence[StrategyTime], running: ComputeProgress | None = None) -> str:
    """Ways, times and how many times as fast as one after the other; narrow enough for a phone (26 columns or so)."""
    names = [time.strategy for time in times] + ([running.strategy] if running else [])
    labels = {name: texts.t(f"strategy.{name}") for name in names}
    width = max(len(label) for label in labels.values())
    shown = [f"{number(texts, time.wall_s, 2)} {texts.t('unit.seconds')}" for time in times]
    time_width = max((len(one) for one in shown), default=0)
    lines = []
    for time, wall in zip(times, shown, strict=True):
        ratio = f"×{number(texts, times[0].wall_s / time.wall_s, 2)}" if time.wall_s > 0 else ""
        lines.append(f"{labels[time.strategy]:<{width}}  {wall:>{time_width}}  {ratio}".rstrip())
    if running is not None:
        cells = "■" * running.done_calls + "□" * (running.total_calls - running.done_calls)
        lines.append(f"{labels[running.strategy]:<{width}}  {cells}")
    return f"<pre>{escape(chr(10).join(lines))}</pre>"
