"""What a configuration says of queue and delivery: defaults, and mistakes with their place."""

from pathlib import Path

import pytest

import destination_core as dc
from destination_core.connection import InvalidConfiguration, Service, load_service
from tests import acme

START = """\
destinations:
  crm:
    plugin: acme
    settings: {api_key: "${env:KEY}"}
    subscriptions: [{action: upsertContact}]
"""


def load(tmp_path: Path, text: str) -> Service:
    """Load a configuration for Acme."""
    path = tmp_path / "c.yaml"
    path.write_text(START + text, "utf-8")
    return load_service(path, dc.Registry.of(acme), {"KEY": "k" * 8, "WRITE": "w" * 8})


def test_everything_has_a_default(tmp_path: Path) -> None:
    """Nothing but a destination is needed; the queue lies beside the configuration."""
    service = load(tmp_path, "")
    assert service.queue_path == tmp_path / "queue.db"
    assert (service.queue.fsync, service.queue.dedup_window) == ("always", 86_400)
    policy = service.policies["crm"]
    assert (policy.retry_window, policy.retry_attempts, policy.order) == (14_400, 5, "none")


def test_what_is_set_is_read(tmp_path: Path) -> None:
    """Write keys by reference too, and two while they are being changed."""
    service = load(
        tmp_path,
        """\
    delivery: {concurrency: 7, rate: 12.5, batch_age: 1, retry_window: 60, order: user}
sources:
  web: {write_keys: ["${env:WRITE}", "older"]}
queue: {path: data/q.db, max_bytes: 1000000, fsync: checkpoint, dedup_window: 60}
""",
    )
    assert service.sources == {"web": ("w" * 8, "older")}
    assert service.queue_path == tmp_path / "data/q.db"
    assert service.queue.fsync == "checkpoint"
    policy = service.policies["crm"]
    assert (policy.concurrency, policy.rate, policy.batch_age, policy.order) == (7, 12.5, 1, "user")
    assert "w" * 8 not in repr(service)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "    delivery: {retry_window: 100000}\n",
            "c.yaml: dedup_window is 86400 s, shorter than a retry_window of 100000 s",
        ),
        (
            "queue:\n  dedup_window: 60\n",
            "c.yaml:7:3: dedup_window is 60 s, shorter than a retry_window of 14400 s",
        ),
        ("queue: {fsync: never}\n", "c.yaml:6:9: 'fsync': input should be 'always' or"),
        ("queue: {pth: x}\n", "c.yaml:6:9: unknown key 'pth'; did you mean 'path'?"),
        ("    delivery: {ordr: user}\n", "c.yaml:6:16: unknown key 'ordr'; did you mean 'order'?"),
        ("    delivery: {lease: 100000}\n", "c.yaml:6:16: 'lease': input should be less than"),
        (
            "    delivery: {retry_window: 4h}\n",
            "'retry_window' must be a number of seconds, got '4h'",
        ),
        ("queue: {dedup_window: 1d}\n", "'dedup_window' must be a number of seconds, got '1d'"),
        ("    delivery: {rate: fast}\n", "c.yaml:6:16: 'rate' must be a number, got 'fast'"),
        ("    delivery: {concurrency: 1.5}\n", "'concurrency' must be a whole number, got 1.5"),
        ('queue: {path: ""}\n', "c.yaml:6:9: 'path' is '', which is a folder; name a file"),
        ("queue: {path: ..}\n", "c.yaml:6:9: 'path' is '..', which is a folder; name a file"),
    ],
    ids=[
        "window",
        "dedup",
        "fsync",
        "queue",
        "order",
        "lease",
        "hours",
        "days",
        "rate",
        "half",
        "empty",
        "folder",
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, mistake: str) -> None:
    """Before the first event: nothing that could lose one, or deliver it twice, is started."""
    with pytest.raises(InvalidConfiguration) as caught:
        load(tmp_path, text)
    assert mistake in str(caught.value)


def test_a_queue_that_could_not_be_made_is_told(tmp_path: Path) -> None:
    """By `check`, where a queue is wanted; a folder that only the service has is no mistake."""
    assert load(tmp_path, "").warnings == []
    (warning,) = load(tmp_path, "queue: {path: nowhere/q.db}\n").warnings
    assert warning == f"queue.path: there is no folder '{tmp_path}/nowhere'"
    assert load(tmp_path, 'sources: {web: {write_keys: ["k"]}}\n').warnings == []
