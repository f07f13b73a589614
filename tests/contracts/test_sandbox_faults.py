"""The sandbox's faults strike what they say, as a client sees it and as a handler sees it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from telpher.sandbox import faults

BIG = bytes(range(256)) * 4096  # 1 MiB


class Wire:
    """A server with a handler of each sort behind the faults, and what its handlers saw."""

    def __init__(self, client: TestClient[Any, Any], file: Path) -> None:
        self.client = client
        self.file = file
        self.got = bytearray()
        self.errors: list[BaseException] = []
        self.finished = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.got.clear()
        self.finished.clear()
        try:
            async for chunk in request.content.iter_any():
                self.got += chunk
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            self.finished.set()
        return web.json_response({"size": len(self.got)})

    async def take_form(self, request: web.Request) -> web.Response:
        part = await (await request.multipart()).next()
        assert isinstance(part, aiohttp.BodyPartReader)
        return web.json_response({"size": len(await part.read()), "name": part.filename})

    async def give(self, request: web.Request) -> web.Response:
        return web.Response(body=BIG)

    async def give_file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(self.file)

    async def give_stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for start in range(0, len(BIG), 100_000):
            await response.write(BIG[start : start + 100_000])
        return response

    async def fail(self, request: web.Request) -> web.Response:
        raise web.HTTPConflict(text="taken")

    async def rule(self, **rule: Any) -> None:
        async with self.client.post("/sandbox/faults", json=rule) as answer:
            assert answer.status == 200, await answer.text()

    async def log(self, since: float = 0) -> list[dict[str, Any]]:
        async with self.client.get("/sandbox/log", params={"since": since}) as answer:
            entries: list[dict[str, Any]] = await answer.json()
            return entries


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    file = tmp_path / "big"
    file.write_bytes(BIG)
    app = web.Application()
    faults.install(app, state_dir=tmp_path)
    client = TestClient(TestServer(app))
    wire = Wire(client, file)
    app.router.add_route("*", "/take", wire.take)
    app.router.add_post("/bot1:secret/sendDocument", wire.take_form)
    app.router.add_post("/drive/v3/files", wire.take)
    app.router.add_post("/token", wire.take)
    app.router.add_get("/give", wire.give)
    app.router.add_get("/file", wire.give_file)
    app.router.add_get("/stream", wire.give_stream)
    app.router.add_get("/fail", wire.fail)
    async with client:
        yield wire


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


async def test_cut_request_leaves_the_handler_what_came_before(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    await wire.rule(match="POST /take$", kind="cut_request", after_bytes=300_001, times=1)
    with pytest.raises(aiohttp.ClientError):
        await wire.client.post("/take", data=_pieces(BIG))
    async with asyncio.timeout(5):
        await wire.finished.wait()
    assert bytes(wire.got) == BIG[:300_001]
    assert isinstance(wire.errors[0], ConnectionError)
    async with wire.client.post("/take", data=BIG) as answer:
        assert await answer.json() == {"size": len(BIG)}
    first, second = await wire.log()
    assert (first["status"], first["bytes_in"] >= 300_001, first["was_cut"]) == (None, True, True)
    assert (second["status"], second["bytes_in"], second["was_cut"]) == (200, len(BIG), False)
    assert caplog.records == [], "a cut is no trouble of the server"


async def test_a_shorter_request_is_not_cut_nor_counted(wire: Wire) -> None:
    await wire.rule(match="/take", kind="cut_request", after_bytes=1000, times=1)
    async with wire.client.post("/take", data=b"short") as answer:
        assert answer.status == 200
    async with wire.client.get("/take") as answer:
        assert answer.status == 200
    with pytest.raises(aiohttp.ClientError):
        await wire.client.post("/take", data=BIG)


async def test_a_form_is_cut_too(wire: Wire) -> None:
    await wire.rule(match="sendDocument", kind="cut_request", after_bytes=200_000, times=1)
    form = aiohttp.FormData()
    form.add_field("file", BIG, filename="a.bin")
    with pytest.raises(aiohttp.ClientError):
        await wire.client.post("/bot1:secret/sendDocument", data=form)
    form = aiohttp.FormData()
    form.add_field("file", BIG, filename="a.bin")
    async with wire.client.post("/bot1:secret/sendDocument", data=form) as answer:
        assert await answer.json() == {"size": len(BIG), "name": "a.bin"}


@pytest.mark.parametrize("path", ["/give", "/file", "/stream"])
async def test_cut_response_gives_so_many_bytes_and_no_more(wire: Wire, path: str) -> None:
    await wire.rule(match=f"GET {path}", kind="cut_response", after_bytes=123_456, times=1)
    got = bytearray()
    async with wire.client.get(path) as answer:
        with pytest.raises(aiohttp.ClientError):
            await _collect(answer, got)
    assert bytes(got) == BIG[:123_456]
    async with wire.client.get(path) as answer:
        assert await answer.read() == BIG
    cut, whole = await wire.log()
    assert (cut["bytes_out"], cut["was_cut"], cut["faults"]) == (123_456, True, ["cut_response"])
    assert (whole["bytes_out"], whole["was_cut"], whole["status"]) == (len(BIG), False, 200)


async def test_a_dropped_answer_means_the_work_was_done(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    await wire.rule(match="/take", kind="drop_answer", times=1)
    with pytest.raises(aiohttp.ClientError):
        await wire.client.post("/take", data=BIG)
    assert bytes(wire.got) == BIG
    assert not wire.errors
    [entry] = await wire.log()
    assert (entry["status"], entry["was_cut"], entry["bytes_out"]) == (None, True, 0)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("path", "status", "reason", "expected"),
    [
        ("/bot1:secret/sendDocument", 429, None, ("error_code", 429)),
        ("/drive/v3/files", 403, "storageQuotaExceeded", ("reason", "storageQuotaExceeded")),
        ("/token", 400, "invalid_grant", ("error", "invalid_grant")),
    ],
)
async def test_status_speaks_as_each_side_does(
    wire: Wire, path: str, status: int, reason: str | None, expected: tuple[str, Any]
) -> None:
    await wire.rule(match=path, kind="status", status=status, reason=reason, retry_after=3, times=1)
    async with wire.client.post(path, data=b"x") as answer:
        assert answer.status == status
        assert answer.headers["Retry-After"] == "3"
        body = await answer.json()
    if path.startswith("/bot"):
        assert body["parameters"] == {"retry_after": 3}
        assert body["ok"] is False
    facts = body["error"]["errors"][0] if isinstance(body.get("error"), dict) else body
    assert facts[expected[0]] == expected[1]


async def test_status_in_the_middle_of_a_body(wire: Wire) -> None:
    await wire.rule(match="/drive", kind="status", status=503, after_bytes=100_000, times=1)
    async with wire.client.post("/drive/v3/files", data=_pieces(BIG)) as answer:
        assert answer.status == 503
        assert (await answer.json())["error"]["errors"][0]["reason"] == "backendError"
    assert bytes(wire.got) == BIG[:100_000]


async def test_own_body_and_headers(wire: Wire) -> None:
    await wire.rule(match="/give", kind="status", status=502, body="<html>bad gateway", headers={"X-From": "proxy"})
    async with wire.client.get("/give") as answer:
        assert (answer.status, answer.headers["X-From"], await answer.text()) == (502, "proxy", "<html>bad gateway")


async def test_skip_and_times(wire: Wire) -> None:
    await wire.rule(match="/give", kind="status", status=500, skip=1, times=2)
    seen = []
    for _ in range(4):
        async with wire.client.get("/give") as answer:
            seen.append(answer.status)
    assert seen == [200, 500, 500, 200]


async def test_probability_repeats_with_its_seed(wire: Wire) -> None:
    runs = []
    for _ in range(2):
        await wire.rule(match="/fail", kind="status", status=500, probability=0.5, seed=7)
        statuses = []
        for _ in range(20):
            async with wire.client.get("/fail") as answer:
                statuses.append(answer.status)
        runs.append(statuses)
        await wire.client.delete("/sandbox/faults")
    assert runs[0] == runs[1]
    assert set(runs[0]) == {500, 409}


async def test_rules_are_checked_listed_cleared_and_outlive_a_restart(wire: Wire, tmp_path: Path) -> None:
    for bad in (
        {"kind": "status"},
        {"match": "(", "kind": "status"},
        {"match": "x", "kind": "explode"},
        {"match": "x", "kind": "delay"},
        3,
    ):
        async with wire.client.post("/sandbox/faults", json=bad) as answer:
            assert answer.status == 400
            assert "error" in await answer.json()
    await wire.rule(match="/give", kind="status", times=3)
    async with wire.client.get("/give"):
        pass
    again = faults.Faults(tmp_path / "faults.json")
    assert [(rule.match, rule.times) for rule in again.rules] == [("/give", 2)]
    await wire.client.delete("/sandbox/faults")
    async with wire.client.get("/sandbox/faults") as answer:
        assert await answer.json() == []
    assert faults.Faults(tmp_path / "faults.json").rules == []


async def test_bandwidth_is_shared_and_measured_by_the_loop(wire: Wire) -> None:
    """The bytes arrive whole; how long they took is read from the server's clock, only as a lower bound."""
    await wire.rule(match="/(take|give|file)", kind="bandwidth", bytes_per_s=8 * len(BIG), direction="both")
    async with wire.client.post("/take", data=_pieces(BIG)) as answer:
        assert await answer.json() == {"size": len(BIG)}
    async with asyncio.TaskGroup() as group:
        bodies = [group.create_task(_read(wire, path)) for path in ("/give", "/file")]
    assert [body.result() for body in bodies] == [BIG, BIG]
    up, *down = await wire.log()
    assert up["took_s"] >= 0.05
    assert max(entry["took_s"] for entry in down) >= 0.15


async def _collect(answer: aiohttp.ClientResponse, into: bytearray) -> None:
    async for chunk in answer.content.iter_any():
        into += chunk


async def _read(wire: Wire, path: str) -> bytes:
    async with wire.client.get(path) as answer:
        return await answer.read()


async def test_delay_holds_the_answer_back(wire: Wire) -> None:
    await wire.rule(match="/(give|stream)", kind="delay", delay_s=0.1)
    assert await _read(wire, "/give") == BIG
    assert await _read(wire, "/stream") == BIG
    assert all(entry["took_s"] >= 0.1 for entry in await wire.log())


async def test_the_log_strikes_out_secrets(wire: Wire) -> None:
    with contextlib.suppress(aiohttp.ClientError):
        async with wire.client.get("/bot1:secret/getMe", params={"access_token": "hush", "q": "a"}) as answer:
            assert answer.status == 404
    [entry] = await wire.log()
    assert (entry["path"], entry["query"]) == ("/bot***/getMe", {"access_token": "***", "q": "a"})
    assert await wire.log(since=entry["seq"]) == []
    assert await wire.log(since=entry["started"]) == [entry]


async def test_http_errors_of_handlers_pass_unchanged(wire: Wire) -> None:
    async with wire.client.get("/fail") as answer:
        assert (answer.status, await answer.text()) == (409, "taken")
    [entry] = await wire.log()
    assert (entry["status"], entry["bytes_out"]) == (409, 5)
