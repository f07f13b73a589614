"""Show a run that has ended: its picture, and an answer that is too long for a message as a file. Each comes into the chat once."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from telpher.access import Access
from telpher.actions.computations import Computation, Computations
from telpher.actions.get_back import Courier
from telpher.actions.sent_files import SentFiles
from telpher.compute import pictures
from telpher.compute.port import Module, Strategy
from telpher.jobs.port import Job, JobId, JobRun, NewJob, Payload, Queue

KIND = "show_run"
_LANE = "light"
_CHUNK_BYTES = 1 << 18
_LAST_BYTES = 1 << 10
_ANSWERS_KEPT_S = 7 * 24 * 3600.0


class Part(enum.StrEnum):
    """What there is to show."""

    PICTURE = "picture"
    ANSWER = "answer"


class ShowRun:
    """`promise` queues what is to come; `work` is what the queue runs, for each part by itself.

    Should nobody know whether a part has arrived, it is not sent again by itself, but by `again`, when its person misses it.
    """

    def __init__(
        self,
        *,
        access: Access,
        queue: Queue,
        computations: Computations,
        sent: SentFiles,
        courier: Courier,
        modules: Mapping[str, Module],
        strategies: Sequence[Strategy],
        answers_dir: Path,
        language_of: Callable[[int], str],
    ) -> None:
        self._access = access
        self._queue = queue
        self._computations = computations
        self._sent = sent
        self._courier = courier
        self._modules = dict(modules)
        self._strategies = tuple(strategies)
        self._answers_dir = answers_dir
        self._language_of = language_of

    async def hold_answer(self, job_id: JobId, answer: str) -> None:
        """Keep a long answer on the disk until it has been sent."""
        await asyncio.to_thread(self._write, job_id, answer)

    def _write(self, job_id: JobId, answer: str) -> None:
        self._answers_dir.mkdir(parents=True, exist_ok=True)
        path = self._path(job_id)
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            # In parts: one as long as the answer would be encoded in one go, with all other threads waiting.
            for start in range(0, len(answer), _CHUNK_BYTES):
                file.write(answer[start : start + _CHUNK_BYTES].encode())
        draft.replace(path)

    async def promise(self, job: Job, *, has_answer: bool) -> None:
        """Queue what shows this run: durable when this returns; for each run once."""
        payload = {
            "job_id": int(job.id),
            "person_id": job.person_id,
            "chat_id": job.payload["chat_id"],
            "message_id": job.payload["message_id"],
        }
        await self._enqueue(
            payload, [Part.PICTURE, Part.ANSWER] if has_answer else [Part.PICTURE], key=str(int(job.id))
        )

    async def again(self, done: Computation, *, chat_id: int, message_id: int, key: str) -> None:
        """Queue the picture of an earlier run once more, and its long answer if that may not have arrived; for each `key` once."""
        payload = {
            "job_id": int(done.job_id),
            "person_id": done.person_id,
            "chat_id": chat_id,
            "message_id": message_id,
        }
        has_answer = await asyncio.to_thread(self._path(done.job_id).exists)
        await self._enqueue(payload, [Part.PICTURE, Part.ANSWER] if has_answer else [Part.PICTURE], key=key)

    async def _enqueue(self, payload: Payload, parts: Sequence[Part], *, key: str) -> None:
        # Nobody's own: they stand in no list of jobs, and no limit of the person counts them.
        await self._queue.enqueue_all(
            [
                NewJob(
                    key=f"{KIND}:{part}:{key}",
                    kind=KIND,
                    lane=_LANE,
                    person_id=0,
                    payload={**payload, "part": part.value},
                )
                for part in parts
            ]
        )

    async def work(self, run: JobRun) -> Payload:
        """Send one part, unless the person is not served any more."""
        payload = run.job.payload
        part, shown = Part(payload["part"]), JobId(payload["job_id"])
        is_sent = False
        if self._access.is_served(payload["person_id"]):
            is_sent = await self._sent.is_sent(run.job.id)
            if not is_sent:
                is_sent = await (self._picture(run, shown) if part is Part.PICTURE else self._answer(run, shown))
        if part is Part.ANSWER:
            await asyncio.to_thread(self._path(shown).unlink, missing_ok=True)
        return {"is_sent": is_sent}

    async def _picture(self, run: JobRun, shown: JobId) -> bool:
        done = await self._computations.of_job(shown)
        module = self._modules.get(done.module) if done is not None else None
        if done is None or module is None:
            return False
        language = self._language_of(run.job.payload["person_id"])
        runs = done.runs
        picture = await pictures.draw(runs, pictures.texts_in(language, module, self._strategies, runs))
        await self._send(run, f"{done.module}.png", "image/png", len(picture), _once(picture), as_kind="photo")
        return True

    async def _answer(self, run: JobRun, shown: JobId) -> bool:
        done, path = await self._computations.of_job(shown), self._path(shown)
        try:
            size_bytes = (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            return False
        name = f"{done.module if done is not None else 'answer'}.txt"
        await self._send(run, name, "text/plain", size_bytes, _read(path), as_kind="document")
        return True

    async def _send(  # noqa: PLR0917 - private, and each is what the file is
        self, run: JobRun, name: str, mime_type: str, size_bytes: int, chunks: AsyncIterator[bytes], as_kind: str
    ) -> None:
        async with self._sent.noted(run.job.id):
            await self._courier.send_file(
                int(run.job.payload["chat_id"]),
                name=name,
                mime_type=mime_type,
                size_bytes=size_bytes,
                chunks=self._sent.note_before_the_last(chunks, size_bytes, run.job.id),
                as_kind=as_kind,
                reply_to=int(run.job.payload["message_id"]),
            )

    async def prune(self) -> int:
        """Remove answers that nobody will be sent any more; how many."""
        return await asyncio.to_thread(self._prune)

    def _prune(self) -> int:
        removed = 0
        for path in self._answers_dir.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _ANSWERS_KEPT_S:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, job_id: JobId) -> Path:
        return self._answers_dir / f"{int(job_id)}.txt"


async def _once(content: bytes) -> AsyncIterator[bytes]:
    """In two parts. As long as the second is not on its way, the picture has certainly not arrived."""
    yield content[:-_LAST_BYTES]
    yield content[-_LAST_BYTES:]


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
