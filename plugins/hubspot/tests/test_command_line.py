"""The whole way: check, choose, save and send by command line, against the simulator."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from plugins.hubspot.tests.sending import identify, member
from plugins.hubspot.tests.simulator import HubSpot
from plugins.hubspot.tests.simulator.tokens import CLIENT

DESTINATIONS = Path(sys.executable).parent / "destinations"

CONFIGURATION = """\
# HubSpot, as a customer writes it
destinations:
  crm:
    plugin: hubspot
    settings:
      client_id: {client_id}
      client_secret: ${{env:HUBSPOT_CLIENT_SECRET}}
      refresh_token: ${{env:HUBSPOT_REFRESH_TOKEN}}
      api_url: {url}
    audiences:
      vips:
        name: VIPs   # made by `destinations save`
    subscriptions:
      - preset: Upsert Contact
      - preset: Audience List
      - name: Signups
        action: customEvent
        trigger: type = "track" and event = "Signed Up"
        mapping:
          email: {{"@path": "$.properties.email"}}
          properties: {{plan: {{"@path": "$.properties.plan"}}}}
        on_mapping_save:
          inputs:
            label: Signed up
            properties: [plan]
"""


class Ran(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class Shell:
    """Runs `destinations` as a process of its own, with the credentials in its environment."""

    def __init__(self, folder: Path, hub: HubSpot) -> None:
        self.config = folder / "hubspot.yaml"
        self.config.write_text(CONFIGURATION.format(client_id=CLIENT["client_id"], url=hub.url))
        self._folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "NO_COLOR": "1",
            "HUBSPOT_CLIENT_SECRET": CLIENT["client_secret"],
            "HUBSPOT_REFRESH_TOKEN": hub.tokens.refresh,
        }

    async def run(self, *arguments: object, stdin: Sequence[object] = ()) -> Ran:
        """Run a command to its end."""
        process = await asyncio.create_subprocess_exec(
            DESTINATIONS,
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=self._environment,
        )
        lines = "".join(f"{json.dumps(one)}\n" for one in stdin).encode()
        out, err = await process.communicate(lines)
        for secret in (CLIENT["client_secret"], self._environment["HUBSPOT_REFRESH_TOKEN"]):
            assert secret.encode() not in out + err
        return Ran(process.returncode or 0, out.decode(), err.decode())


async def test_check_choose_save_and_send(tmp_path: Path) -> None:
    """A customer's first hour: every command works on what the one before left."""
    async with HubSpot(rotates=True) as hub:
        shell = Shell(tmp_path, hub)

        checked = await shell.run("check", shell.config, "--live")
        assert "credentials are good" in checked.out
        assert "its mapping is not saved" in checked.err

        chosen = await shell.run(
            "choices", shell.config, "crm", "upsertContact", "id_property", "--json"
        )
        values = [one["value"] for one in json.loads(chosen.out)["choices"]]
        assert values == ["email", "customer_number", "hs_object_id"]

        saved = await shell.run("save", shell.config)
        assert saved.code == 0, saved.err
        assert "crm, audience vips: made: 1" in saved.out
        assert "crm, Signups: saved: event_name pe123_signed_up" in saved.out
        written = shell.config.read_text()
        assert "external_id: '1'" in written
        assert "event_name: pe123_signed_up" in written
        assert "# made by `destinations save`" in written
        again = await shell.run("save", shell.config)
        assert "is there: 1" in again.out
        assert "Signups" not in again.out

        events = [
            identify("ann@example.com", first_name="Ann"),
            member("ann@example.com", True),
            {"type": "track", "event": "Signed Up", "userId": "u-1", "messageId": "m-1",
             "properties": {"email": "ann@example.com", "plan": "pro"}},
        ]  # fmt: skip
        sent = await shell.run("send", shell.config, "-", stdin=events)
        assert sent.code == 0, sent.out + sent.err

        (contact,) = hub.objects.of("contacts").values()
        assert (contact["email"], contact["firstname"]) == ("ann@example.com", "Ann")
        assert hub.lists.members["1"] == set(hub.objects.of("contacts"))
        assert [one["properties"] for one in hub.events.sent] == [{"plan": "pro"}]
        assert hub.tokens.grants == 1  # each command went on with the token of the first


async def test_a_command_that_is_refused_says_what_to_do(tmp_path: Path) -> None:
    """Credentials that HubSpot does not take: exit code 4, and no secret on the screen."""
    async with HubSpot() as hub:
        shell = Shell(tmp_path, hub)
        hub.tokens.refresh = "refresh-of-another-app"
        checked = await shell.run("check", shell.config, "--live")
        assert checked.code == 4
        assert "authorise the connection anew" in checked.err
        chosen = await shell.run("choices", shell.config, "crm", "updateList", "list_id")
        assert chosen.code == 4


async def test_explain_shows_the_request_that_the_others_depend_on(tmp_path: Path) -> None:
    """Nothing is sent, so nothing can be known of what follows; that is no rejection."""
    async with HubSpot() as hub:
        shell = Shell(tmp_path, hub)
        event = json.dumps(identify("ann@example.com"))
        explained = await shell.run("explain", shell.config, event)
        assert explained.code == 0, explained.err
        assert "/crm/v3/objects/contacts/batch/read" in explained.out
        assert "depends on the destination's answer" in explained.out
        assert "rejected" not in explained.out
        assert hub.asked == []
        (first, *_) = json.loads((await shell.run("explain", shell.config, event, "--json")).out)
        assert first["requests"][0]["body"]["inputs"][0]["id"] == "ann@example.com"
        assert "error" not in first
        silent = await shell.run("explain", shell.config, json.dumps(identify(None)))
        assert silent.code == 1
        assert "rejected: email is required" in silent.out


async def test_init_writes_what_a_customer_may_choose(tmp_path: Path) -> None:
    """Sync modes, what saving asks for and audiences stand there as comments that work."""
    async with HubSpot() as hub:
        shell = Shell(tmp_path, hub)
        written = (await shell.run("init", "hubspot")).out
        assert "        # sync_mode: upsert  # or update, add" in written
        assert "      #       label:  # What people call the event." in written
        top, _, bottom = written.partition("    subscriptions:")
        top = top.replace("client_id:  # required", "client_id: c")
        for line in ("audiences:", "  KEY:", "    name:"):
            top = top.replace(f"    # {line}", f"    {line}")
        for mark in ("      # ", "        # "):
            bottom = bottom.replace(f"\n{mark}", f"\n{mark[:-2]}")
        for key, value in (("label", "Seen"), ("list_name", "Seen it")):
            bottom = bottom.replace(f"{key}:", f"{key}: {value}")
        shell.config.write_text(f"{top}    subscriptions:{bottom}")
        checked = await shell.run("check", shell.config)
        assert "HubSpot, 4 subscriptions" in checked.out, checked.err
        assert checked.err.count("its mapping is not saved") == 3
