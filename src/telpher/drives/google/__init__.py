"""Google Drive: `open_google_drive` gives the drive of one account."""

from __future__ import annotations

from pathlib import Path

from telpher.drives.google.client import Authorizer, GoogleClient
from telpher.drives.google.drive import GoogleDrive
from telpher.drives.google.home import HomeFolder
from telpher.drives.google.ids import IdPool
from telpher.drives.pacing import Pace

__all__ = ["Authorizer", "GoogleDrive", "open_google_drive"]


async def open_google_drive(
    *,
    api_url: str,
    authorizer: Authorizer,
    home_file: Path,
    folder_id: str = "",
    pace: Pace | None = None,
    name: str = "google",
    shared_drive_id: str = "",
) -> GoogleDrive:
    """The drive of the account that `authorizer` speaks for; asks nothing yet. Close it in the end.

    `api_url` is the root of `/drive/v3` and `/upload/drive/v3`. New files go to the folder with `folder_id`, else to one named Telpher,
    whose id is kept in `home_file`. Everything that uses one account should share one `pace`. `name` tells several drives apart. With
    `shared_drive_id` it is that shared drive instead of the person's own: browsing begins there, and new files go to its top.
    """
    client = GoogleClient(api_url, authorizer, pace or Pace())
    ids = IdPool(client)
    home = HomeFolder(client, ids, home_file, folder_id or shared_drive_id)
    return GoogleDrive(client, ids, home, name=name, shared_drive_id=shared_drive_id)
