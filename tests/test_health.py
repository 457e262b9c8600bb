"""Health: what keeps events from being taken is told, with the reason; nothing else is."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from destination_core import health
from tests.observed import observed, person


def told(answer: Any) -> tuple[int, dict[str, Any]]:
    """Return status and document."""
    return answer.status, json.loads(answer.body)


async def test_all_is_well(tmp_path: Path) -> None:
    """The queue was written to, there is room, plugins are loaded."""
    async with observed(tmp_path / "q") as here:
        before = here.queue.commits.many
        status, document = told(await here.health.ready())
        assert here.queue.commits.many > before, "readiness is seen, not believed"
        alive = told(await here.health.alive())
    assert (status, document["status"], document["why"]) == (200, "ready", [])
    assert document["checks"]["plugins"]["loaded"] == ["acme"]
    assert document["checks"]["destinations"] == {"ok": True, "delivered_to": 1, "paused": []}
    assert alive == (200, {"status": "alive", "ended": []})


async def test_a_destination_that_is_down_is_no_reason(tmp_path: Path) -> None:
    """Its events are kept: it is named, and the service stays ready."""
    async with observed(tmp_path / "q", 401) as here:
        await here.runner.put("web", [person(1)])
        while here.runner.workers["a"].breaker.state == "closed":
            await here.queue.next_due("a")
        status, document = told(await here.health.ready())
    assert (status, document["checks"]["destinations"]["paused"]) == (200, ["a"])


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"max_bytes": 1}, "has reached its size"), ({"min_free_bytes": 2**62}, "are to stay free")],
    ids=["size", "disk"],
)
async def test_no_room_is_a_reason(tmp_path: Path, limits: dict[str, int], words: str) -> None:
    """503, and why; what is left of the disk is not used up by asking."""
    async with observed(tmp_path / "q", **limits) as here:
        before = here.queue.commits.many
        status, document = told(await here.health.ready())
        assert here.queue.commits.many == before
    assert (status, document["status"]) == (503, "not ready")
    assert words in document["why"][0]


async def test_a_file_that_cannot_be_written_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is locked by somebody else for longer than the patience lasts."""
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.05)
    async with observed(tmp_path / "q") as here:
        with contextlib.closing(sqlite3.connect(tmp_path / "q", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            status, document = told(await here.health.ready())
            other.execute("ROLLBACK")
    assert status == 503
    assert document["why"] == ["queue: nothing was written for 0.05 s"]


async def test_a_delivery_that_has_ended_is_not_alive(tmp_path: Path) -> None:
    """Only a restart helps, so the probe of liveness says so."""
    async with observed(tmp_path / "q", names=("a", "b")) as here:
        (task,) = [one for one, worker in here.runner._running.items() if worker.name == "b"]
        task.cancel()
        while here.runner.ended != ["b"]:
            await here.queue.next_due("b")
        assert told(await here.health.alive()) == (
            503,
            {"status": "delivery has ended", "ended": ["b"]},
        )
        assert (await here.values())['destinations_worker_up{destination="b"}'] == 0


async def test_versions(tmp_path: Path) -> None:
    """Of the core, of Python and of each plugin."""
    async with observed(tmp_path / "q") as here:
        _, document = told(await here.health.version())
    assert set(document) == {"version", "python", "plugins"}
    assert list(document["plugins"]) == ["acme"]
