"""What a configuration says of the runner: write keys, queue, windows."""

import json
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.connection import InvalidConfiguration, load_outline, load_service
from tests import acme


def load(folder: Path, **parts: Any) -> Any:
    """Load a configuration for the runner."""
    crm = {"plugin": "acme", "settings": {"api_key": "${env:KEY}"}}
    crm["subscriptions"] = [{"action": "upsertContact"}]
    crm |= parts.pop("crm", {})
    (folder / "c.json").write_text(json.dumps({"destinations": {"crm": crm}, **parts}))
    environment = {"KEY": "secret-of-crm", "OLD": "write-key-old"}
    return load_service(folder / "c.json", dc.Registry.of(acme), environment)


def test_write_keys_may_be_references(tmp_path: Path) -> None:
    """Two at a time, so that one can be taken out of use; both are secrets."""
    service = load(tmp_path, sources={"web": {"write_keys": ["${env:OLD}", "write-key-new"]}})
    assert service.sources == {"web": ("write-key-old", "write-key-new")}
    assert {"write-key-old", "write-key-new", "secret-of-crm"} <= service.secrets
    assert "write-key" not in repr(service)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"web": {"write_keys": [""]}}, "is empty or holds a colon"),
        ({"web": {"write_keys": ["a:b"]}}, "is empty or holds a colon"),
        ({"web": {"write_keys": ["${env:NOPE}"]}}, "'NOPE' is not set"),
        (
            {"web": {"write_keys": ["a"]}, "ios": {"write_keys": ["a"]}},
            "sources 'web' and 'ios' share a write key",
        ),
        ({"web": {"write_keys": ["a", "a"]}}, "source 'web' has the same write key twice"),
        ({"web": {"write_keys": ["a", "b", "c"]}}, "'write_keys' must have at most 2 items, got 3"),
        ({"web": {"write_keys": []}}, "'write_keys' must have at least 1 item, got 0"),
        ({"web": {"keys": ["a"]}}, "unknown key 'keys'"),
    ],
    ids=["empty", "colon", "reference", "shared", "twice", "three", "none", "unknown"],
)
def test_a_write_key_that_could_not_work_is_refused(
    tmp_path: Path, sources: Any, words: str
) -> None:
    """With its place; an empty one would let everybody in."""
    with pytest.raises(InvalidConfiguration, match=words) as caught:
        load(tmp_path, sources=sources)
    assert str(caught.value).startswith(f"{tmp_path}/c.json:")


def test_ids_are_remembered_for_as_long_as_anything_is_tried(tmp_path: Path) -> None:
    """Otherwise a repetition could be taken for something new."""
    with pytest.raises(InvalidConfiguration, match="shorter than a retry_window"):
        load(tmp_path, queue={"dedup_window": 60}, crm={"delivery": {"retry_window": 61}})


def test_an_outline_needs_neither_plugins_nor_secrets(tmp_path: Path) -> None:
    """Whoever looks into a queue beside a service has not its environment."""
    path = tmp_path / "c.json"
    crm = {"plugin": "not installed", "settings": {"api_key": "${env:NOPE}"}}
    config = {"destinations": {"crm": crm}, "queue": {"path": "there/q.db"}}
    path.write_text(json.dumps({**config, "sources": {"web": {"write_keys": ["${env:NOPE}"]}}}))
    outline = load_outline(path)
    assert (outline.destinations, outline.sources) == (("crm",), ("web",))
    assert outline.queue_path == tmp_path / "there/q.db"
    path.write_text(json.dumps({**config, "ques": {}}))
    with pytest.raises(InvalidConfiguration, match="unknown key 'ques'; did you mean 'queue'"):
        load_outline(path)
