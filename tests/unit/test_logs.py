"""No secret leaves by a log line."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from telpher import logs

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@pytest.fixture(autouse=True)
def _restore_logging() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_token_in_an_address_is_struck_out(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", log_format)
    logging.getLogger("somewhere").info("POST %s", f"https://api.telegram.org/bot{TOKEN}/getMe")
    printed = capsys.readouterr().err
    assert "getMe" in printed
    assert TOKEN not in printed


def test_a_told_secret_is_struck_out_of_tracebacks_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", "json", ["correct-horse"])
    try:
        int("login with correct-horse failed")
    except ValueError:
        logging.getLogger("somewhere").exception("no luck")
    printed = capsys.readouterr().err
    assert "correct-horse" not in printed
    assert "ValueError" in json.loads(printed)["exception"]


def test_a_word_too_short_to_be_a_secret_stays() -> None:
    redactor = logs.Redactor(["a"])
    assert redactor.strike("a cat") == "a cat"


async def test_a_line_names_the_update_and_the_job_that_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", "json")
    log = logging.getLogger("somewhere")

    async def work() -> None:
        with logs.about_job(3):
            log.info("working")

    with logs.about_update(12):
        log.info("handling")
        await asyncio.create_task(work())  # noqa: TID251 - a job outlives the update that asked for it
    log.info("idle")
    handling, working, idle = map(json.loads, capsys.readouterr().err.splitlines())
    assert handling["update_id"] == 12
    assert "job_id" not in handling
    assert working["job_id"] == 3
    assert "update_id" not in working
    assert "update_id" not in idle


def test_a_person_reads_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", "text")
    with logs.about_update(12):
        logging.getLogger("somewhere").info("handling")
    assert capsys.readouterr().err.endswith("somewhere: handling [update 12]\n")
