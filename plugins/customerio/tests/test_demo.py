"""The bundled events of the demo, and the stand-in they are sent to."""

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from destination_customerio.demo import demo

GENERATOR = Path(__file__).parents[1] / "tools" / "make_demo_events.py"


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    """Read the bundled events."""
    return [orjson.loads(line) for line in demo.events().read_bytes().splitlines()]


def generator() -> ModuleType:
    """Import the program that writes the events."""
    spec = importlib.util.spec_from_file_location("make_demo_events", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_bundled_events_are_what_the_generator_writes() -> None:
    """The file and the program that writes it have not drifted apart."""
    assert generator().render() == demo.events().read_bytes()


def test_there_are_events_of_every_type(events: list[dict[str, Any]]) -> None:
    """At least 2,000 events, of all of Segment's six types."""
    types = Counter(event["type"] for event in events)
    assert sum(types.values()) >= 2_000
    assert {"alias", "group", "identify", "page", "screen", "track"} == set(types)
    assert min(types.values()) >= 5


def test_every_event_has_its_own_message_id(events: list[dict[str, Any]]) -> None:
    """Message IDs are unique."""
    assert len(events) == len({event["messageId"] for event in events})


def test_nobody_real_is_in_them(events: list[dict[str, Any]]) -> None:
    """Domains and addresses are those that documentation may use."""
    text = demo.events().read_text("utf-8")
    for event in events:
        traits = event.get("traits")
        if isinstance(traits, dict) and "email" in traits:
            assert traits["email"].endswith(("@example.com", "@example.org", "@example.net"))
        address = event["context"].get("ip", "192.0.2.1")
        assert address.rpartition(".")[0] in {"192.0.2", "198.51.100", "203.0.113"}
    assert text.count("https://") == text.count("https://shop.example.com")


async def test_target_is_a_running_simulator() -> None:
    """The target gives settings that reach the stand-in, and counts what it holds."""
    async with demo.target() as target:
        assert target.settings["track_url"].startswith("http://127.0.0.1:")
        assert target.summary()[0][0] == "people"
        assert target.summary()[0][1] == 0
