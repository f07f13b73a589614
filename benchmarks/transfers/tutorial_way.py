"""The tutorial's way: python-telegram-bot downloads the whole file, then google-api-python-client uploads it, inside the coroutine."""

from __future__ import annotations

import asyncio
import json
import warnings
from pathlib import Path
from typing import Any

import googleapiclient.discovery
import googleapiclient.discovery_cache
from benchmarks.transfers.measures import Errand, Meter
from google.oauth2.credentials import Credentials
from googleapiclient.http import MediaFileUpload
from telegram import Bot, File


def _service(errand: Errand) -> Any:
    package = Path(googleapiclient.discovery_cache.__file__).parent
    document = json.loads((package / "documents" / "drive.v3.json").read_text("utf-8"))
    document |= {"rootUrl": f"{errand.google_url}/", "baseUrl": f"{errand.google_url}/drive/v3/"}
    return googleapiclient.discovery.build_from_document(document, credentials=Credentials(errand.granted["token"]))


async def main(errand: Errand) -> dict[str, float]:
    service = _service(errand)
    downloaded = Path(errand.work_dir) / "downloaded"
    downloaded.mkdir()
    bot = Bot(errand.token, base_url=f"{errand.telegram_url}/bot", base_file_url=f"{errand.telegram_url}/file/bot")

    async def carry(file_id: str, name: str) -> None:
        found = await bot.get_file(file_id)
        path = str(found.file_path)
        if not path.startswith("http"):
            # The library sees that the offline server's file lies on this machine, and would copy it; Telegram's does not.
            path = f"{errand.telegram_url}/file/bot{errand.token}/{path.lstrip('/')}"
        remote = File(found.file_id, found.file_unique_id, found.file_size, path)
        remote.set_bot(bot)
        target = downloaded / name
        await remote.download_to_drive(target, read_timeout=600)
        media = MediaFileUpload(str(target), resumable=True)
        service.files().create(body={"name": name}, media_body=media, fields="id").execute()

    async with bot:
        await carry(errand.files[0].file_id, "warm")
        meter = Meter()
        for file in errand.files[1:]:
            await carry(file.file_id, file.name)
        return meter.report()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(asyncio.run(main(Errand.from_stdin()))))
