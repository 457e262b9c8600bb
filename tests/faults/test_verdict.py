"""The judge finds what it is there to find."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.faults.event import body, digest, event
from tests.faults.oracle import verdict
from tests.faults.oracle.issuing import Issuer
from tests.faults.oracle.receiving import Receiver

SECRET = 'canary/"of the judge'

Case = dict[str, Any]


def case() -> Case:
    """Make what went well: events 0 to 2 were delivered, 3 is a dead letter."""
    return {
        "issued": 4,
        "acked": {0, 1, 2, 3},
        "received": {number: body(number) for number in range(3)},
        "strangers": [],
        "dead": [{**event(3), "_delivery": {"destination": "a", "code": "REFUSED"}}],
        "counts": {"accepted": 4, "difference": 0, "queued": 0},
        "log": "all is well",
    }


def judged(told: Case, folder: Path) -> list[str]:
    """Return the demands that did not hold."""
    issuer, receiver = Issuer(folder, "key"), Receiver("token")
    issuer.issued, issuer.acked = told["issued"], told["acked"]
    seen = receiver.seen["a"]
    seen.strangers += told["strangers"]
    for number, content in told["received"].items():
        seen.receipts.append((number, 0.0, True))
        seen.digests[number].add(digest(content))
        seen.confirmed.add(number)
    (folder / "dead").write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in told["dead"]))
    (folder / "log").write_text(told["log"], "utf-8")
    said = verdict.judge(
        issuer,
        receiver,
        destinations=["a"],
        counts={"a": told["counts"]},
        dead_path=str(folder / "dead"),
        files=[str(folder / "log")],
        secrets=[SECRET],
    )
    return [text for text, held, _ in said["demands"] if not held]


def test_what_went_well_passes(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert judged(case(), tmp_path) == []


def test_poison_may_have_been_delivered(tmp_path: Path) -> None:
    """A third kill between the answer and its settlement: that is the rule, not a second end."""
    told = case()
    told["dead"][0]["_delivery"]["code"] = verdict.POISON
    told["received"][3] = body(3)
    assert judged(told, tmp_path) == []


FAULTS: dict[str, tuple[Callable[[Case], object], str]] = {
    "lost": (lambda told: told["received"].pop(1), "delivered or dead-lettered"),
    "dead letter lost": (lambda told: told["dead"].clear(), "delivered or dead-lettered"),
    "not sent": (lambda told: told["received"].update({9: body(9)}), "not sent"),
    "somebody else's": (lambda told: told["strangers"].append("m-1"), "not sent"),
    "changed": (lambda told: told["received"].update({1: body(2)}), "bodies"),
    "changed in a dead letter": (
        lambda told: told["dead"][0]["properties"].update(body={}),
        "bodies",
    ),
    "two ends": (lambda told: told["received"].update({3: body(3)}), "one end"),
    "difference": (lambda told: told["counts"].update(difference=1), "accepted ="),
    "left in the queue": (lambda told: told["counts"].update(queued=1), "accepted ="),
    "accepted twice": (lambda told: told["counts"].update(accepted=5), "accepted ="),
    "secret": (lambda told: told.update(log=f"it is {SECRET}"), "secret"),
    "secret in JSON": (lambda told: told.update(log=orjson.dumps(SECRET).decode()), "secret"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_found(name: str, tmp_path: Path) -> None:
    """Each wrong is found, by the demand that speaks of it, and by no other."""
    change, words = FAULTS[name]
    told = case()
    change(told)
    (found,) = judged(told, tmp_path)
    assert words in found
