"""Keeps receipts up to date: listens to the queue, edits one message per file, album or burst of files, at a pace that a chat bears.

A chat sees at most one edit in 1.5 s, and always the last state: a receipt is settled only after the edit that shows how its jobs
ended was made, and what is not settled is taken up again at the next start.

Nobody can ask Telegram whether a message has arrived. Should we end between its arrival and noting its id, the next start sends
another one, and the first stays as it is for ever. So a new message says at first only what stays true: that the files were accepted,
also where they are in the drive already; the edit that follows at once says that.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import weakref
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from telpher.actions.cards import Card, Cards, entry_from_payload
from telpher.actions.entry_card import EntryCard
from telpher.bot import receipt_views
from telpher.bot.ports import Outbox
from telpher.bot.receipt_book import Receipt, ReceiptBook, ReceiptView
from telpher.bot.receipt_views import Tracked
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.errors import ChatUnreachableError, EntryNotFoundError, TelpherError
from telpher.jobs.port import Job, JobId, JobState, Queue
from telpher.tasks import Nursery
from telpher.transfers.gauge import Gauge
from telpher.transfers.port import Progress

_log = logging.getLogger(__name__)

EDIT_EVERY_S = 1.5
_FIRST_PROGRESS_AFTER_S = 1.0
_TRY_AGAIN_S = (2.0, 5.0, 15.0, 60.0)
_SAVED = {ReceiptView.SAVE, ReceiptView.BURST}

ShowComputation = Callable[[Texts, Sequence[Tracked]], Screen]
TextsFor = Callable[[int], Texts]


@dataclasses.dataclass
class _Due:
    """A receipt whose message is behind."""

    not_before: float
    failures: int = 0


class Receipts:
    """`open` once for each accepted job; the rest goes by itself between `start` and `stop`."""

    def __init__(
        self,
        *,
        book: ReceiptBook,
        queue: Queue,
        outbox: Outbox,
        cards: Cards,
        entry_card: EntryCard,
        texts_for: TextsFor,
        show_computation: ShowComputation,
        edit_every_s: float = EDIT_EVERY_S,
    ) -> None:
        self._book = book
        self._queue = queue
        self._outbox = outbox
        self._cards = cards
        self._entry_card = entry_card
        self._texts_for = texts_for
        self._show_computation = show_computation
        self._edit_every_s = edit_every_s
        self._nursery = Nursery("receipts")
        self._receipts_of: dict[JobId, dict[int, int]] = {}
        """Unsettled: job → {receipt: chat}."""
        self._progress: dict[JobId, object] = {}
        self._due: dict[int, dict[int, _Due]] = {}
        """Chat → {receipt: when}. A chat stands here while its painter runs."""
        self._woken: dict[int, asyncio.Event] = {}
        self._last_edit: dict[int, float] = {}
        self._shown: dict[int, str] = {}
        self._succeeded: dict[JobId, Job] = {}
        """Of bursts that are followed: what has succeeded stays so, and need not be asked for with each edit."""
        self._together: dict[int, Progress] = {}
        self._gauges: dict[int, Gauge] = {}
        self._painting: weakref.WeakValueDictionary[int, asyncio.Lock] = weakref.WeakValueDictionary()

    @property
    def progress(self) -> Mapping[JobId, object]:
        """What running jobs told last."""
        return self._progress

    async def start(self) -> None:
        """Listen, and bring up to date what an earlier process left behind."""
        self._queue.subscribe(self._on_job)
        for receipt in await self._book.unsettled():
            self._follow(receipt)
            self._mark(receipt.id, receipt.chat_id, at_once=True)

    async def stop(self) -> None:
        """Leave the messages as they are; what is not settled is taken up at the next start."""
        await self._nursery.close()

    async def open(
        self,
        key: str,
        view: ReceiptView,
        job: Job,
        *,
        chat_id: int,
        reply_to: int | None = None,
        message_id: int | None = None,
        may_join_burst: bool = False,
    ) -> None:
        """Show `job` in the message that `key` names: sent if there is none yet, or an existing `message_id`.

        One that `may_join_burst` is shown together with others where many come at once.
        """
        async with self._lock(chat_id):
            receipt = await self._book.open(
                key,
                view,
                person_id=job.person_id,
                chat_id=chat_id,
                job_id=job.id,
                message_id=message_id,
                reply_to=reply_to,
                may_join_burst=may_join_burst,
            )
            if receipt.is_settled:
                return
            self._follow(receipt)
        if receipt.message_id is not None:
            self._mark(receipt.id, chat_id, at_once=False)
            return
        # The first message leaves now, in the order of the handlers; should it fail, the painter tries again. What happened
        # before we followed the job is in it, what happens from here on marks it.
        await self._paint(receipt.id, chat_id, failures=0)

    async def reopen(self, job_ids: Collection[JobId]) -> None:
        """Jobs that had ended begin again: their messages live again."""
        for receipt in await self._showing(job_ids):
            async with self._lock(receipt.chat_id):
                await self._book.set_settled(receipt.id, is_settled=False)
                self._follow(receipt)
            self._mark(receipt.id, receipt.chat_id, at_once=True)

    async def show_now(self, job_ids: Collection[JobId]) -> None:
        """Bring the messages of these up to date out of turn: their person has pressed a button, and looks."""
        for receipt in await self._showing(job_ids):
            await self._paint(receipt.id, receipt.chat_id, failures=0)

    async def find(self, person_id: int, receipt_id: int) -> Receipt | None:
        """This person's receipt."""
        receipt = await self._book.get(receipt_id)
        return receipt if receipt is not None and receipt.person_id == person_id else None

    async def screen(self, receipt: Receipt) -> Screen | None:
        """What its message shows, with its entries as the drive has them now."""
        screen, _ = await self._render(receipt, look=self._look)
        return screen

    async def page(self, receipt: Receipt, page: int) -> Screen | None:
        """Some of its files, as the drive has them now; None for a page that it does not have."""
        first = page * receipt_views.PAGE_FILES
        shown_ids = receipt.job_ids[first : first + receipt_views.PAGE_FILES]
        tracked = [await self._track(receipt, job_id, look=self._look) for job_id in shown_ids]
        known = [one for one in tracked if one is not None]
        if not known:
            return None
        return receipt_views.burst_page(
            self._texts_for(receipt.person_id), receipt.id, known, page, len(receipt.job_ids)
        )

    async def _showing(self, job_ids: Collection[JobId]) -> Sequence[Receipt]:
        """Each receipt that shows one of these, once."""
        found: dict[int, Receipt] = {}
        shown: set[JobId] = set()
        for job_id in job_ids:
            if job_id not in shown:
                of_job = await self._book.of_job(job_id)
                found |= {receipt.id: receipt for receipt in of_job}
                shown.update(*(receipt.job_ids for receipt in of_job))
        return tuple(found.values())

    def _on_job(self, job: Job, progress: object | None) -> None:
        followed = self._receipts_of.get(job.id)
        if followed is None:
            return
        if progress is not None:
            self._progress[job.id] = progress
        elif job.state is not JobState.RUNNING:
            self._progress.pop(job.id, None)
        for receipt_id, chat_id in followed.items():
            self._mark(receipt_id, chat_id, at_once=progress is None and job.state is not JobState.RUNNING)

    def _lock(self, chat_id: int) -> asyncio.Lock:
        """Held while a chat's receipts are opened, shown and settled: none is sent twice, none settled while a file joins it."""
        return self._painting.setdefault(chat_id, asyncio.Lock())

    def _follow(self, receipt: Receipt) -> None:
        for job_id in receipt.job_ids:
            self._receipts_of.setdefault(job_id, {})[receipt.id] = receipt.chat_id

    def _mark(self, receipt_id: int, chat_id: int, *, at_once: bool) -> None:
        """Note that a message is behind. A first bit of progress may wait for more; an end may not."""
        now = asyncio.get_running_loop().time()
        self._mark_at(receipt_id, chat_id, now if at_once else now + min(_FIRST_PROGRESS_AFTER_S, self._edit_every_s))

    def _mark_at(self, receipt_id: int, chat_id: int, not_before: float, failures: int = 0) -> None:
        due_here = self._due.get(chat_id)
        if due_here is None:
            due_here = self._due[chat_id] = {}
            self._woken[chat_id] = asyncio.Event()
            self._nursery.spawn(self._paint_chat(chat_id), name=f"chat {chat_id}")
        due = due_here.setdefault(receipt_id, _Due(not_before, failures))
        due.failures = max(due.failures, failures)
        if not_before < due.not_before:
            due.not_before = not_before
            self._woken[chat_id].set()

    async def _paint_chat(self, chat_id: int) -> None:
        loop = asyncio.get_running_loop()
        due_here, woken = self._due[chat_id], self._woken[chat_id]
        try:
            while due_here:
                woken.clear()
                receipt_id, due = min(due_here.items(), key=lambda item: item[1].not_before)
                free_at = self._last_edit.get(chat_id, float("-inf")) + self._edit_every_s
                wait_s = max(due.not_before, free_at) - loop.time()
                if wait_s > 0:
                    await _wait(woken, wait_s)
                    continue
                await self._outbox.until_calm(chat_id)
                due = due_here.pop(receipt_id)
                await self._paint(receipt_id, chat_id, due.failures)
        finally:
            del self._due[chat_id], self._woken[chat_id]
            if loop.time() - self._last_edit.get(chat_id, 0.0) > self._edit_every_s:
                self._last_edit.pop(chat_id, None)

    async def _paint(self, receipt_id: int, chat_id: int, failures: int) -> None:
        try:
            async with self._lock(chat_id):
                await self._bring_up_to_date(receipt_id)
        except ChatUnreachableError:
            _log.info("receipt %d has no reader: the chat is closed to us", receipt_id)
        except Exception as error:  # noqa: BLE001 - one receipt's fault must not stop the chat's others
            wait_s = _TRY_AGAIN_S[min(failures, len(_TRY_AGAIN_S) - 1)]
            unexpected = None if isinstance(error, TelpherError) else error
            _log.warning(
                "receipt %d is shown again in %.0f s: %s", receipt_id, wait_s, type(error).__name__, exc_info=unexpected
            )
            self._mark_at(receipt_id, chat_id, asyncio.get_running_loop().time() + wait_s, failures + 1)

    async def _bring_up_to_date(self, receipt_id: int) -> None:
        receipt = await self._book.get(receipt_id)
        if receipt is None or receipt.is_settled:
            return
        is_new = receipt.message_id is None
        screen, is_final = await self._render(receipt, is_new=is_new)
        await self._put(receipt, screen)
        is_end_shown = is_final and not (is_new and receipt.view in _SAVED)
        if is_end_shown:
            await self._settle(receipt)
        elif is_new:
            self._mark(receipt.id, receipt.chat_id, at_once=is_final)

    async def _put(self, receipt: Receipt, screen: Screen | None) -> None:
        if receipt.message_id is None:
            if screen is not None:
                sent_id = await self._outbox.send_message(
                    receipt.chat_id, screen.text, screen.keyboard, receipt.reply_to
                )
                await self._book.set_message(receipt.id, sent_id)
                self._shown[receipt.id] = _print_of(screen)
            return
        if screen is None:
            await self._outbox.delete_message(receipt.chat_id, receipt.message_id)
            return
        if self._shown.get(receipt.id) == _print_of(screen):
            return
        self._last_edit[receipt.chat_id] = asyncio.get_running_loop().time()
        await self._outbox.edit_message(receipt.chat_id, receipt.message_id, screen.text, screen.keyboard)
        self._shown[receipt.id] = _print_of(screen)

    async def _settle(self, receipt: Receipt) -> None:
        await self._book.set_settled(receipt.id, is_settled=True)
        for of_receipt in (self._shown, self._together, self._gauges):
            of_receipt.pop(receipt.id, None)
        for job_id in receipt.job_ids:
            followed = self._receipts_of.get(job_id, {})
            followed.pop(receipt.id, None)
            if not followed:
                self._receipts_of.pop(job_id, None)
                self._progress.pop(job_id, None)
                self._succeeded.pop(job_id, None)

    async def _render(
        self, receipt: Receipt, look: Callable[[int, Card], Awaitable[Card]] | None = None, *, is_new: bool = False
    ) -> tuple[Screen | None, bool]:
        """What the message shows, and whether all its jobs have ended. `is_new`: what it shows of saved files first."""
        known = await self._track_all(receipt, look)
        if not known:
            return None, True
        is_final = all(one.job.state.is_final for one in known)
        texts = self._texts_for(receipt.person_id)
        if is_new and (receipt.view in _SAVED or (receipt.view is ReceiptView.SEND and not is_final)):
            return receipt_views.accepted(texts, receipt.id, known), is_final
        return self._show(texts, receipt, known), is_final

    def _show(self, texts: Texts, receipt: Receipt, known: Sequence[Tracked]) -> Screen | None:
        match receipt.view:
            case ReceiptView.COMPUTE:
                return self._show_computation(texts, known)
            case ReceiptView.SEND:
                return receipt_views.sent(texts, known[0])
            case ReceiptView.BURST if not _is_few(known):
                has_cards = self._cards.may_use(receipt.person_id)
                return receipt_views.burst(texts, receipt.id, known, self._measure(receipt, known), has_cards=has_cards)
            case _ if len(known) == 1:
                return receipt_views.saved(texts, receipt.id, known[0])
            case _:
                return receipt_views.album(texts, receipt.id, known)

    def _measure(self, receipt: Receipt, all_tracked: Sequence[Tracked]) -> Progress:
        """How far all of a burst are, and how fast they go."""
        if receipt.id not in self._gauges:
            self._gauges[receipt.id] = Gauge(functools.partial(self._together.__setitem__, receipt.id))
        self._gauges[receipt.id].moved(*receipt_views.total_of(all_tracked))
        return self._together.get(receipt.id, Progress())

    async def _track_all(
        self, receipt: Receipt, look: Callable[[int, Card], Awaitable[Card]] | None
    ) -> Sequence[Tracked]:
        if receipt.view is ReceiptView.BURST:
            known = [
                one for one in [await self._track_lightly(job_id) for job_id in receipt.job_ids] if one is not None
            ]
            if not _is_few(known):
                return known
        tracked = [await self._track(receipt, job_id, look=look) for job_id in receipt.job_ids]
        return [one for one in tracked if one is not None]

    async def _track_lightly(self, job_id: JobId) -> Tracked | None:
        """One of many: neither its place in the queue nor its card."""
        job = self._succeeded.get(job_id) or await self._queue.get(job_id)
        if job is None:
            return None
        if job.state is JobState.SUCCEEDED and job_id in self._receipts_of:
            self._succeeded[job_id] = job
        return Tracked(job, self._progress.get(job_id))

    async def _track(
        self, receipt: Receipt, job_id: JobId, *, look: Callable[[int, Card], Awaitable[Card]] | None
    ) -> Tracked | None:
        job = await self._queue.get(job_id)
        if job is None:
            return None
        place = await self._queue.place_of(job_id) if job.state is JobState.QUEUED else None
        card = twin = None
        is_saved = receipt.view in _SAVED and job.state is JobState.SUCCEEDED
        if is_saved and job.result is not None and self._cards.may_use(job.person_id):
            told = [one for one in (job.result, job.result.get("twin")) if one is not None]
            entries = [entry_from_payload(one) for one in told]
            cards = await self._cards.cards(job.person_id, str(job.result["drive"]), entries)
            if look is not None:
                cards = tuple([await look(job.person_id, one) for one in cards])
            card, twin = cards[0], cards[1] if len(cards) > 1 else None
        return Tracked(job, self._progress.get(job_id), place, card, twin)

    async def _look(self, person_id: int, card: Card) -> Card:
        """The entry as it is now; as it was when the drive cannot say."""
        try:
            return await self._entry_card.show(person_id, card.token)
        except EntryNotFoundError:
            return dataclasses.replace(card, entry=dataclasses.replace(card.entry, is_trashed=True))
        except TelpherError:
            return card


def _is_few(of_burst: Sequence[Tracked]) -> bool:
    """Whether a burst came to so little that it is shown as a file, or as an album, would be."""
    is_over = all(one.job.state.is_final for one in of_burst)
    return len(of_burst) == 1 or (is_over and len(of_burst) <= receipt_views.PAGE_FILES)


def _print_of(screen: Screen) -> str:
    """Tells two screens apart."""
    return f"{screen.text}\n{screen.keyboard.to_json() if screen.keyboard else ''}"


async def _wait(woken: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await woken.wait()
    except TimeoutError:
        return
