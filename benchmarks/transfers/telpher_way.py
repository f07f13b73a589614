"""Telpher's way: the queue and the transfer engine as `app.py` builds them, between the Bot API and Google Drive."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfers.measures import Errand, File, Meter

from telpher import event_loop
from telpher.accounts.credentials import GoogleAuthorizer
from telpher.accounts.google_oauth import AuthorizedUser
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.bot.telegram_source import TelegramSources
from telpher.drives.google import open_google_drive
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import Job, JobRun, NewJob, Payload
from telpher.settings import Secret
from telpher.store import open_store
from telpher.transfers.carrier import Carrier
from telpher.transfers.port import TransferId, TransferRequest


async def main(errand: Errand) -> dict[str, float]:
    work_dir = Path(errand.work_dir)
    store = open_store(work_dir / "telpher.db")
    drive = await open_google_drive(
        api_url=errand.google_url,
        authorizer=GoogleAuthorizer(AuthorizedUser.from_json(json.dumps(errand.granted)), oauth_url=errand.google_url),
        home_file=work_dir / "home",
    )
    carrier = Carrier(store, spool_dir=work_dir / "spool", spool_limit_bytes=1 << 40, headroom_bytes=0)
    queue = EmbeddedQueue(store)
    all_ended = asyncio.Event()
    left = 0

    async with AiohttpRequest() as request:
        sources = TelegramSources(request, ApiAddress(errand.telegram_url, Secret(errand.token)), is_local=False)

        async def work(run: JobRun) -> Payload:
            payload = run.job.payload
            transfer = TransferRequest(
                id=TransferId(run.job.key),
                person_id=run.job.person_id,
                source_ref=json.dumps({"file_id": payload["file_id"], "size_bytes": payload["size_bytes"]}),
                parent_id=None,
                name=payload["name"],
                mime_type="application/octet-stream",
                size_bytes=payload["size_bytes"],
                modified_at=None,
            )
            entry = await carrier.carry(transfer, drive=drive, open_source=sources, tell=run.tell)
            return {"id": entry.id}

        def hear(job: Job, progress: object | None) -> None:
            nonlocal left
            if progress is None and job.state.is_final:
                assert job.error_key is None, job.error_key
                left -= 1
                if not left:
                    all_ended.set()

        async def carry(files: Sequence[File], prefix: str) -> None:
            nonlocal left
            left = len(files)
            all_ended.clear()
            # Several people, so that the limits per person do not decide how many are carried at once.
            await queue.enqueue_all(
                [
                    NewJob(
                        key=f"{prefix}-{number}",
                        kind="save",
                        lane="transfer",
                        person_id=number % 8,
                        payload={"file_id": file.file_id, "name": file.name, "size_bytes": file.size_bytes},
                    )
                    for number, file in enumerate(files)
                ]
            )
            await all_ended.wait()

        queue.register("save", work)
        queue.subscribe(hear)
        await queue.start()
        await carry(errand.files[:1], "warm")
        meter = Meter()
        await carry(errand.files[1:], "carry")
        measured = meter.report()
        await queue.stop(grace_s=1)
    await carrier.close()
    await drive.close()
    await store.close()
    return measured


if __name__ == "__main__":
    print(json.dumps(event_loop.run(main(Errand.from_stdin()))))
