"""A line to a PostgreSQL server that breaks when the test says so: at a word that goes over it, passed on or not."""

from __future__ import annotations

import contextlib
import selectors
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Self

_SOCKET = ".s.PGSQL.5432"


class CutLine:
    """Stands between; other words pass unchanged."""

    def __init__(self, server_folder: Path) -> None:
        self._server = str(server_folder / _SOCKET)
        self.folder = Path(tempfile.mkdtemp(prefix="telpher-line-"))
        self.is_refusing = False
        """New connections are closed at once, from the next cut on."""
        self.cuts = 0
        self._word: bytes | None = None
        self._is_passed_on = False
        self._listening = socket.socket(socket.AF_UNIX)
        self._threads: list[threading.Thread] = []

    def address(self, name: str) -> str:
        """Of a database, by way of this line."""
        return f"postgresql://telpher@/{name}?host={self.folder}"

    def cut_at(self, word: bytes, *, is_passed_on: bool) -> None:
        """Once: break the connection that says `word`, after the server has done it, or before it hears of it."""
        self._word, self._is_passed_on = word, is_passed_on

    def __enter__(self) -> Self:
        self._listening.bind(str(self.folder / _SOCKET))
        self._listening.listen()
        self._spawn(self._accept)
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)
        shutil.rmtree(self.folder)

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self.is_refusing and self.cuts:
                client.close()
            else:
                self._spawn(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as selector:
            server.connect(self._server)
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    words = source.recv(1 << 16)
                    if not words:
                        return
                    if source is client and self._word is not None and self._word in words:
                        self._word = None
                        if self._is_passed_on:
                            server.sendall(words)
                            server.recv(1 << 16)
                        self.cuts += 1
                        return
                    key.data.sendall(words)
