"""The files under deploy/: what they say of commands, paths, ports and times is true."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from destination_core.runner.runner import DRAIN_SECONDS
from destination_customerio.simulator import Simulator
from tests.acceptance.destinations import PROGRAM, Operator
from tests.acceptance.serving import serving

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = (DEPLOY / "systemd/destinations.service").read_text("utf-8")
IMAGE = (DEPLOY / "Dockerfile").read_text("utf-8")
MANIFESTS: list[Any] = list(
    YAML(typ="safe", pure=True).load_all((DEPLOY / "kubernetes/destinations.yaml").read_text())
)
SET = next(one for one in MANIFESTS if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
CONTAINER = SET["containers"][0]
CONFIG = "/etc/destinations/config.yaml"
STATE = "/var/lib/destinations"
TO_END = DRAIN_SECONDS + 5
"""Seconds that a service may take to end: what is in flight, and the server's connections."""


def instruction(name: str) -> str:
    """Return the argument of an instruction of the image."""
    (found,) = re.findall(rf"^{name} (.*)$", IMAGE, re.MULTILINE)
    return str(found)


def setting(name: str) -> str:
    """Return a setting of the unit."""
    (found,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


COMMANDS = {
    "unit": setting("ExecStart").split()[1:],
    "image": json.loads(re.findall(r"^CMD (.*)$", IMAGE, re.MULTILINE)[0]),
    "manifest": CONTAINER["args"],
}


@pytest.mark.parametrize("where", COMMANDS)
def test_the_command_can_be_run(where: str, tmp_path: Path) -> None:
    """Its options are understood: it gets as far as the configuration, and says what is wrong."""
    (tmp_path / "config.yaml").write_text("destinations: {}\n")
    assert CONFIG in COMMANDS[where]
    arguments = [one.replace(CONFIG, str(tmp_path / "config.yaml")) for one in COMMANDS[where]]
    ran = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert "no destination is configured" in ran.stderr


async def test_probes_and_the_health_check_are_answered(tmp_path: Path) -> None:
    """By a service that runs; the health check fails when there is none."""
    paths = {
        CONTAINER[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"/livez", "/readyz"}
    check = json.loads(re.findall(r"^    CMD (\[.*\])$", IMAGE, re.MULTILINE)[0])
    async with Simulator() as simulator, serving(Operator(tmp_path, simulator)) as service:
        port = service.url.rpartition(":")[2]
        async with aiohttp.ClientSession() as session:
            for path in (*paths, "/metrics"):
                async with session.get(service.url + path) as answer:
                    assert answer.status == 200
        here = [one.replace(":8080", f":{port}") for one in check]
        assert here != check
        here[0] = sys.executable
        assert subprocess.run(here, check=False).returncode == 0  # noqa: ASYNC221
        await service.end()
        ended = subprocess.run(here, check=False, capture_output=True)  # noqa: ASYNC221
        assert ended.returncode != 0


def test_ports_users_and_places_agree() -> None:
    """Among the three, and with what the server listens on."""
    assert instruction("EXPOSE") == "8080"
    assert CONTAINER["ports"] == [{"name": "http", "containerPort": 8080}]
    assert "0.0.0.0:8080" in COMMANDS["image"]
    assert COMMANDS["manifest"] == COMMANDS["image"]
    user = SET["securityContext"]["runAsUser"]
    assert instruction("USER") == str(user) != "0"
    assert f"--uid {user} " in IMAGE
    assert instruction("VOLUME") == STATE == setting("WorkingDirectory")
    mounts = {one["name"]: one["mountPath"] for one in CONTAINER["volumeMounts"]}
    assert mounts["queue"] == STATE
    assert CONFIG.startswith(mounts["config"])
    for text in (UNIT, IMAGE, (DEPLOY / "kubernetes/destinations.yaml").read_text()):
        assert f"`queue: {{path: {STATE}/queue.db}}`" in text


def test_there_is_time_to_end() -> None:
    """Nobody kills it while it drains."""
    assert int(setting("TimeoutStopSec")) > TO_END
    assert SET["terminationGracePeriodSeconds"] > TO_END
    assert setting("ExecReload") == "/bin/kill -HUP $MAINPID"


def test_least_privilege() -> None:
    """No root, no capabilities, nothing writable but the queue."""
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "UMask=0077",
    ):
        assert line in UNIT.splitlines()
    limits = CONTAINER["securityContext"]
    assert limits["readOnlyRootFilesystem"] is True
    assert limits["allowPrivilegeEscalation"] is False
    assert SET["automountServiceAccountToken"] is False


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_the_unit_is_a_unit(tmp_path: Path) -> None:
    """As systemd reads it."""
    unit = tmp_path / "destinations.service"
    unit.write_text(UNIT.replace("/opt/destinations/bin/destinations", str(PROGRAM)))
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (
        ran.returncode,
        [line for line in ran.stderr.splitlines() if str(unit.name) in line],
    ) == (0, [])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not there")
def test_the_alerts_fire(tmp_path: Path) -> None:
    """As Prometheus evaluates them, over series that deserve it."""
    ran = subprocess.run(
        ["promtool", "test", "rules", "destinations.rules.test.yaml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
