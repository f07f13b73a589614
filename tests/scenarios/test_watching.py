"""What an operator sees of a running Telpher: its health, its figures, its log."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"telpher_\w+")


async def _get(running: TelpherRunning, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{running.app.web_port}{path}") as answer,
    ):
        return answer.status, await answer.text()


def _figures(text: str) -> dict[str, float]:
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


async def test_figures_tell_of_updates_jobs_and_bytes(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.ask("/hello", has_text("Anna"))
    await anna.send_file(b"x" * 100_000, name="secret-name.bin")
    await anna.wait_for(has_text("secret-name.bin", "verified"))
    status, text = await _get(telpher_running, "/metrics")
    assert status == 200
    figures = _figures(text)
    assert figures['telpher_updates_total{kind="/hello",outcome="ok"}'] == 1
    assert figures['telpher_updates_total{kind="file",outcome="ok"}'] == 1
    assert figures['telpher_update_seconds_count{kind="/hello"}'] == 1
    assert figures['telpher_jobs_ended_total{kind="save_file",state="succeeded"}'] == 1
    assert figures['telpher_carried_bytes_total{kind="save_file"}'] == 100_000
    assert figures['telpher_jobs{lane="transfer",state="running"}'] == 0
    assert sum(count for name, count in figures.items() if 'outcome="ok"' in name and "drive_calls" in name) > 0
    assert figures["telpher_resident_bytes"] > 1_000_000
    assert figures["telpher_ready"] == 1
    assert "secret-name" not in text


async def test_health_tells_alive_from_ready(telpher_running: TelpherRunning) -> None:
    assert await _get(telpher_running, "/health/live") == (200, "ok\n")
    status, text = await _get(telpher_running, "/health/ready")
    assert (status, json.loads(text)) == (200, {"started": True, "telegram": True})


async def test_figures_of_the_day_survive_a_restart(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.ask("/hello", has_text("Anna"))
    await telpher_running.restart()
    await anna.ask("/hello", has_text("Anna"))
    hours = await telpher_running.app.measures.hours(24)
    assert len(hours) == 24
    assert sum(hour.get("updates", 0) for hour in hours) >= 1


async def test_each_line_of_the_log_is_one_event_without_names(telpher_process: TelpherProcess, anna: Person) -> None:
    await telpher_process.start(LOG_FORMAT="json")
    await anna.send_file(b"the content", name="secret-name.bin")
    await anna.wait_for(has_text("secret-name.bin", "verified"))
    await telpher_process.stop()
    lines = [json.loads(line) for line in telpher_process.log.splitlines()]
    told = [line["message"] for line in lines]
    assert any(re.fullmatch(r"update handled: file, [\d.]+ s", message) for message in told)
    assert "job 1 accepted: save_file" in told
    assert "job 1 started: save_file, attempt 1" in told
    assert any(re.fullmatch(r"job 1 succeeded: save_file, [\d.]+ s", message) for message in told)
    assert any("update_id" in line for line in lines)
    assert "secret" not in telpher_process.log
    assert "the content" not in telpher_process.log


async def test_the_dashboard_asks_for_figures_that_there_are(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.ask("/hello", has_text("Anna"))
    _, text = await _get(telpher_running, "/metrics")
    families = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
    asked = {name for panel in dashboard["panels"] for one in panel["targets"] for name in _NAME.findall(one["expr"])}
    assert {name.removesuffix("_bucket") for name in asked} == families
