"""Puts a server on loopback behind TLS and a CONNECT proxy, for clients that only speak to Google's real names.

A throw-away certificate authority signs for those names; the proxy leads every name to the same server and tells it that TLS was used.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("www.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
_HOP_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "proxy-connection", "host", "expect"})


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make_certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A new authority's certificate as a file, and a server context that it vouches for."""
    now = dt.datetime.now(dt.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def build(subject: str, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("A test's own authority"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    ca = build("A test's own authority", ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    names = x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES])
    leaf = build(NAMES[0], key.public_key()).add_extension(names, critical=False)
    ca_file, chain_file = folder / "ca.pem", folder / "chain.pem"
    ca_file.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain_file.write_bytes(private + leaf.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file)
    return ca_file, context


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(ConnectionError, OSError, RuntimeError):
        writer.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        await writer.wait_closed()


@asynccontextmanager
async def tls_front(folder: Path, server_url: str) -> AsyncIterator[tuple[str, Path]]:
    """The proxy's address and the authority's certificate."""
    ca_file, context = make_certificates(folder)
    session = aiohttp.ClientSession(auto_decompress=False)

    async def forward(request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_HEADERS}
        headers |= {"Host": request.host, "X-Forwarded-Proto": "https"}
        data = request.content if request.body_exists else None
        url = server_url + request.raw_path
        async with session.request(request.method, url, headers=headers, data=data, allow_redirects=False) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_HEADERS:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    tls_port = runner.addresses[0][1]

    tunnels: set[asyncio.Task[None] | None] = set()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        tunnels.add(task)
        # Python 3.11's streams complain of a handler that was cancelled, as this one is at the end.
        with contextlib.suppress(asyncio.CancelledError):
            async with contextlib.AsyncExitStack() as stack:
                stack.callback(tunnels.discard, task)
                stack.push_async_callback(_close, writer)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"CONNECT "):
                    return
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", tls_port)
                stack.push_async_callback(_close, there_writer)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pipe(reader, there_writer))
                    group.create_task(_pipe(there_reader, writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}", ca_file
    finally:
        proxy.close()
        for open_tunnel in tuple(tunnels):
            assert open_tunnel is not None
            open_tunnel.cancel()
        async with asyncio.timeout(10):
            while tunnels:
                await asyncio.sleep(0.01)
        await runner.cleanup()
        await session.close()
