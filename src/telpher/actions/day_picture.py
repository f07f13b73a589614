"""The picture of a day, as PNG: drawn by a short-lived child process, so that matplotlib is never resident here."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from telpher.compute.process_pool import child_environment
from telpher.errors import ComputationFailedError

_DRAWING_TIMEOUT_S = 60.0


async def draw(hours: Sequence[Mapping[str, float]], texts: Mapping[str, str]) -> bytes:
    """1080 pixels wide: updates, jobs and bytes of each hour. `texts` are the words in it: `title`, `updates`, `jobs`, `bytes`, `failed`.

    Raises ComputationFailedError when it cannot be drawn.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telpher.actions.day_plot"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
    )
    try:
        async with asyncio.timeout(_DRAWING_TIMEOUT_S):
            order = json.dumps({"hours": [dict(hour) for hour in hours], "texts": dict(texts)})
            picture, complaint = await process.communicate(order.encode())
    except TimeoutError:
        raise ComputationFailedError("drawing took too long", reason="drawing the picture took too long") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        reason = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise ComputationFailedError(reason, reason=reason)
    return picture
