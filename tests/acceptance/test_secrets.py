"""No credential is ever seen, whatever a plugin does with it."""

import asyncio
import base64
import json
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import KEY, said, serving

CANARY = 'canary-"of the/tests'
PLAIN = "canary+of a hook"
"""One in a setting that is no secret, such as a URL that ends in a token."""

PLUGIN = '''
import logging, os, threading, warnings
from typing import Annotated
from pydantic import SecretStr
import destination_core as dc

TOKEN = os.environ["TOKEN"]

class Settings(dc.Settings):
    token: SecretStr
    hook: str

class Payload(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]

@dc.action("tell", subscribe='type = "track"')
async def tell(ctx: dc.Context[Settings], payload: Payload) -> None:
    """Tell everybody the token, in every way there is."""
    token = ctx.settings.token.get_secret_value()
    log = logging.getLogger("leaky")
    log.error("token is %s", token)
    log.warning({"token": token})
    warnings.warn(f"token is {token}")
    threading.Thread(target=lambda: 1 / 0 if token == "" else [][token]).start()
    log.error("hook is %s", ctx.settings.hook)
    raise ZeroDivisionError(f"token is {token}, hook is {ctx.settings.hook}")

@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("leaky", title="Leaky", settings=Settings, actions=[tell])

@dc.hookimpl
def attempt_finished(attempt) -> None:
    raise RuntimeError("observed: " + attempt.tasks[0].event["userId"] + TOKEN)
'''


def install(folder: Path) -> None:
    """Put the plugin where Python finds it, as an installed distribution."""
    (folder / "leaky.py").write_text(PLUGIN)
    info = folder / "leaky-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[destination_core]\nleaky = leaky\n")


def spellings(secret: str) -> set[str]:
    """Return how a secret may look."""
    packed = {base64.b64encode(one.encode()).decode() for one in (secret, f"{secret}:")}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1], *packed}


def contents(folder: Path) -> list[str]:
    """Return what the files of the queue hold."""
    found = [path.read_bytes().decode("latin-1") for path in folder.glob("queue*")]
    assert found
    return found


@pytest.mark.parametrize("options", [(), ("--log-json",)], ids=["console", "json"])
async def test_no_secret_is_seen(operator: Operator, tmp_path: Path, options) -> None:
    """Not in the log, the metrics, the queue, the dead letters, or an answer."""
    installed = tmp_path / "installed"
    installed.mkdir()
    install(installed)
    operator.environment |= {"PYTHONPATH": str(installed), "TOKEN": CANARY}
    operator.environment |= {"HOOK": PLAIN}
    settings = {"token": "${env:TOKEN}", "hook": "https://hooks.test/${env:HOOK}?a=${env:HOOK}"}
    leaky = {"settings": settings, "subscriptions": [{"action": "tell"}]}
    (operator.folder / "c.json").write_text(json.dumps({"destinations": {"leaky": leaky}}))
    seen: list[str] = []
    async with serving(operator, *options) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(n) for n in range(5)])
        await said(service, "observed: ")
        async with asyncio.timeout(20):
            while 'state="dead"} 5.0' not in "".join(seen):
                for path in ("/readyz", "/livez", "/version", "/metrics"):
                    async with session.get(service.url + path) as answer:
                        seen.append(await answer.text())
        assert await service.end() == 0
    seen.append((await operator.run("dead", "export", "s.json")).out)
    assert "ZeroDivisionError: token is [redacted]" in seen[-1]
    log = "".join(service.lines)
    assert "token is [redacted]" in log
    shown = [log, *seen, *contents(tmp_path)]
    assert "hook is https://hooks.test/[redacted]?a=[redacted]" in log
    for secret in (CANARY, PLAIN, KEY):
        for spelling in spellings(secret):
            assert not [text for text in shown if spelling in text]
