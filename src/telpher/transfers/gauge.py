"""How far a transfer is, how fast it goes and how long it will take, told a few times a second."""

from __future__ import annotations

import time

from telpher.transfers.port import Progress, TellProgress

_TELL_EVERY_S = 0.25
_SMOOTHING_S = 4.0


class Gauge:
    """Speed is smoothed over the last few seconds; bytes that were there before we began do not count for it."""

    def __init__(self, tell: TellProgress) -> None:
        self._tell = tell
        self._told_s = 0.0
        self._measured_s: float | None = None
        self._measured_bytes = 0
        self._bytes_per_s: float | None = None

    def moved(self, done_bytes: int, total_bytes: int | None) -> None:
        """So many bytes are where they belong."""
        now_s = time.monotonic()
        if now_s - self._told_s < _TELL_EVERY_S and done_bytes != total_bytes:
            return
        self._measure(done_bytes, now_s)
        self._told_s = now_s
        left_s = None
        if total_bytes is not None and self._bytes_per_s:
            left_s = max(0, total_bytes - done_bytes) / self._bytes_per_s
        self._tell(
            Progress(done_bytes=done_bytes, total_bytes=total_bytes, bytes_per_s=self._bytes_per_s, seconds_left=left_s)
        )

    def waits(self, key: str, total_bytes: int | None) -> None:
        """It stands still, for the reason that the text `key` tells."""
        self._tell(Progress(total_bytes=total_bytes, waiting_key=key))

    def _measure(self, done_bytes: int, now_s: float) -> None:
        if self._measured_s is None or done_bytes < self._measured_bytes:
            self._measured_s, self._measured_bytes = now_s, done_bytes
            return
        passed_s = now_s - self._measured_s
        if passed_s <= 0:
            return
        speed = (done_bytes - self._measured_bytes) / passed_s
        weight = min(1.0, passed_s / _SMOOTHING_S)
        self._bytes_per_s = speed if self._bytes_per_s is None else self._bytes_per_s * (1 - weight) + speed * weight
        self._measured_s, self._measured_bytes = now_s, done_bytes
