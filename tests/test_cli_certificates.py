"""Certificates are read when they are needed, by whoever asks first; and then they are judged."""

import asyncio
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from destination_core.cli.certificates import Trust, read_later

PROGRAM = """
import asyncio, sys
from destination_core.cli.main import group
group.resolve_command(group.make_context("destinations", ["serve"]), ["serve", "c.yaml"])
from destination_core.cli.certificates import trust
from destination_core.http import AiohttpTransport, Request
import aiohttp

async def ours(url):
    async with AiohttpTransport() as transport:
        return (await transport.send(Request("GET", url, {}))).status

async def theirs(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status

async def main(*asking):
    for ask in asking:
        try:
            print(await ask(sys.argv[1]), "_real" in vars(trust()))
        except Exception as error:
            print(type(error).__name__, "_real" in vars(trust()))

print("_real" in vars(trust()))
asyncio.run(main(*[globals()[name] for name in sys.argv[2:]]))
"""


@pytest.mark.parametrize("asking", [("ours", "theirs"), ("theirs", "ours")])
async def test_whoever_asks_first_the_server_is_judged(tmp_path: Path, asking: tuple[str, ...]):
    """Also a plugin that uses aiohttp by itself: one authority is trusted, the other is not."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def serve(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def seen(**environment: str) -> list[str]:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, url, *asking),
            env={**os.environ, **environment}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await process.communicate()
        return said.decode().splitlines()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        assert await seen(SSL_CERT_FILE=str(certificate)) == ["False", "200 True", "200 True"]
        errors = {"ours": "SetupError", "theirs": "ClientConnectorCertificateError"}
        refused = await seen(SSL_CERT_FILE=os.devnull, SSL_CERT_DIR=str(tmp_path / "none"))
        assert refused == ["False", *(f"{errors[one]} True" for one in asking)]


def test_certificates_may_be_read_while_something_is_imported() -> None:
    """A thread that reads them finds Python's own maker, whatever its name stands for just then."""
    one = Trust(ssl.PROTOCOL_TLS_CLIENT)
    with read_later():
        one.read()
    assert type(vars(one)["_real"]) is ssl.SSLContext
    assert not isinstance(ssl.create_default_context(), Trust)


ENDING = """
import sys, time
from destination_core.cli.certificates import begin_reading
begin_reading(["https://x.test"])
time.sleep(float(sys.argv[1]))
"""


async def test_a_process_may_end_while_certificates_are_read() -> None:
    """OpenSSL would take the process with it: of so many ends, one or more."""
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", ENDING, str(number / 500))
        for number in range(25)
    ]
    assert {await one.wait() for one in processes} == {0}
