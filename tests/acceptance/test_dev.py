"""`destinations dev` as an author runs it: a process, curl, an editor."""

import asyncio
import json
import os
import signal
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from destination_core.testing import Recorded, RecordingServer, Reply
from tests import bench
from tests.acceptance.destinations import PROGRAM
from tests.test_workbench import EVENT, SECRET, answer


class Serving:
    """A running `destinations dev`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self.url = ""

    async def started(self) -> None:
        """Wait until it listens."""
        assert self.process.stdout is not None
        while not self.url:
            line = (await self.process.stdout.readline()).decode()
            assert line, "it ended"
            self.lines.append(line.strip())
            if line.startswith("listening on "):
                self.url = line.split()[2].rstrip(",")

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """POST as curl does: without saying what it is."""

        def send() -> tuple[int, Any]:
            request = urllib.request.Request(self.url + path, json.dumps(body).encode())
            try:
                with urllib.request.urlopen(request) as response:
                    return response.status, json.load(response)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.load(error)

        return await asyncio.to_thread(send)

    async def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and everything that it said."""
        self.process.send_signal(signal.SIGINT)
        out, err = await self.process.communicate()
        return self.process.returncode or 0, "\n".join(self.lines) + out.decode() + err.decode()


@asynccontextmanager
async def developing(folder: Path, *options: str) -> AsyncIterator[Serving]:
    """Run it for the plugin of the bench."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "dev", "every-thing", "--port", "0", *options,
        env={**os.environ, "PYTHONPATH": str(folder), "EVERY_THING_CLIENT_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    serving = Serving(process)
    try:
        async with asyncio.timeout(60):
            await serving.started()
        yield serving
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_an_author_tries_breaks_and_mends_an_action(tmp_path: Path) -> None:
    """Each answer is of the plugin as its file is now; what is broken has its line."""
    module = bench.install(tmp_path)
    async with RecordingServer(answer) as server, developing(tmp_path, "--to", server.url) as dev:
        assert "POST /upsert  Upsert" in dev.lines
        assert f"requests are sent to {server.url}, whatever the host" in dev.lines
        status, answered = await dev.post("/upsert", {"event": EVENT})
        assert (status, answered["outcome"]["status"]) == (200, "delivered")
        assert server.requests[-1].path == "/v1/contacts"

        # the same size within the same second: what is compiled must not be taken for current
        module.write_text(bench.PLUGIN.replace('post("/contacts"', 'post("/kontakts"'))
        await dev.post("/upsert", {"event": EVENT})
        assert server.requests[-1].path == "/v1/kontakts"

        module.write_text(bench.PLUGIN + "\ndef broken(:\n")
        status, answered = await dev.post("/upsert", {"event": EVENT})
        line = len(bench.PLUGIN.splitlines()) + 2
        assert (status, answered["error"]["place"]) == (500, f"{module}:{line}")
        assert "SyntaxError" in answered["error"]["message"]

        module.write_text(bench.PLUGIN.replace("kept.list if kept", "kept.nope if contact"))
        status, answered = await dev.post("/upsert", {"event": EVENT})
        said = answered["outcome"]["error"]["message"]
        assert (status, answered["outcome"]["status"]) == (502, "refused")
        assert "AttributeError" in said
        assert "__init__.py:" in said

        module.write_text(bench.PLUGIN)
        assert (await dev.post("/upsert", {"event": EVENT}))[0] == 200
        code, printed = await dev.end()
    assert code == 0
    assert printed.count("has changed") == 4
    assert SECRET not in printed


async def test_it_starts_with_a_plugin_that_is_broken(tmp_path: Path) -> None:
    """And says where; once it is mended, it answers."""
    module = bench.install(tmp_path)
    module.write_text("import nothing_of_that_name\n")
    async with developing(tmp_path, "--dry-run") as dev:
        assert any(line.startswith(f"{module}:1: importing") for line in dev.lines)
        status, answered = await dev.post("/upsert", {"event": EVENT})
        assert (status, answered["error"]["place"]) == (500, f"{module}:1")
        module.write_text(bench.PLUGIN)
        status, answered = await dev.post("/upsert", {"event": EVENT})
        (request,) = answered["requests"]  # and none for a token, which nobody would give
        assert request["request"]["headers"]["Authorization"] == "[redacted]"
        assert (status, answered["sent"]) == (
            200, "nowhere: every request is answered 200 {} here"
        )  # fmt: skip


async def test_it_sends_for_real_unless_told_otherwise(tmp_path: Path) -> None:
    """To the host that the plugin names."""

    def greet(request: Recorded) -> Reply:
        return answer(request)

    async with RecordingServer(greet) as server:
        module = bench.install(tmp_path)
        real = bench.PLUGIN.replace("https://{settings.region}.every.example", server.url)
        module.write_text(real)
        async with developing(tmp_path) as dev:
            assert "requests are sent for real" in dev.lines
            status, answered = await dev.post("/upsert", {"event": EVENT})
        assert (status, answered["sent"]) == (200, "for real")
        assert server.requests[-1].headers["Host"] == server.url.removeprefix("http://")


async def test_a_port_that_is_taken_and_options_that_exclude_each_other(tmp_path: Path) -> None:
    """A sentence and exit code 2."""
    bench.install(tmp_path)
    async with developing(tmp_path, "--dry-run") as dev:
        port = dev.url.rpartition(":")[2]
        for options, said in (
            (("--port", port), f"port {port}: Address already in use; choose another: --port"),
            (("--to", "http://127.0.0.1:1", "--dry-run"), "exclude each other"),
            (("--to", "127.0.0.1:1"), "must be an address like http://127.0.0.1:8080"),
        ):
            process = await asyncio.create_subprocess_exec(
                PROGRAM, "dev", "every-thing", *options,
                env={**os.environ, "PYTHONPATH": str(tmp_path)},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, err = await process.communicate()
            assert (process.returncode, said in err.decode()) == (2, True), err.decode()
