"""Small pieces, so that a small file goes every way, and a store that is made once."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.unit.transfers.bench import Bench

from telpher.store import Store, open_store
from telpher.store.migrations import migrate
from telpher.store.sqlite import connect_sqlite
from telpher.transfers import download, journey, spool

SMALL_BYTES = 1000


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    engine = connect_sqlite(path)
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture
async def store(empty_database: Path, tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "telpher.db"
    shutil.copy(empty_database, path)
    store = open_store(path)
    yield store
    await store.close()


@pytest.fixture
async def bench(store: Store, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(store, tmp_path / "spool")
    yield bench
    await bench.carrier.close()


@pytest.fixture
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journey, "SMALL_BYTES", SMALL_BYTES)
        patch.setattr(download, "_BATCH_BYTES", 2000)
        patch.setattr(spool, "PIECE_BYTES", 1500)
        patch.setattr(spool, "_TAIL_BYTES", 3000)
        patch.setattr(spool, "_HASH_AT_ONCE_BYTES", 4000)
        yield
