"""The webhook's certificate, as a client on the way to it sees it."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from telpher.actions.alerts import certificate_check


@asynccontextmanager
async def _served(folder: Path, days: int) -> AsyncIterator[tuple[str, Path]]:
    """A server whose certificate ends in so many days: its address, and the file of who vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "chain.pem").write_bytes(private + public)
    (folder / "authority.pem").write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem")

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", folder / "authority.pem"


@pytest.mark.parametrize(("days", "told"), [(60, []), (5, [5])])
async def test_one_that_ends_soon_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, told: list[int]
) -> None:
    async with _served(tmp_path, days) as (url, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert [alert.params["days"] for alert in await certificate_check(url)(frozenset())] == told


async def test_one_that_nobody_trusts_has_ended(tmp_path: Path) -> None:
    async with _served(tmp_path, 60) as (url, _):
        assert [alert.params["days"] for alert in await certificate_check(url)(frozenset())] == [0]


async def test_it_is_looked_at_every_few_hours_and_told_of_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [dt.datetime.now(dt.UTC).timestamp()]
    async with _served(tmp_path, 5) as (url, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        check = certificate_check(url, lambda: now_s[0])
        assert await check(frozenset())
    # The server is gone; what was seen last still holds, until it is time to look again.
    assert await check(frozenset())
    now_s[0] += 7 * 3600
    assert not await check(frozenset())
