"""Judge: what was promised has arrived, or is a dead letter; and nothing else."""

import base64
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from tests.faults.event import body, digest, number_of
from tests.faults.oracle.issuing import Issuer
from tests.faults.oracle.receiving import Receiver, Seen

POISON = "POISON"
"""The code of what was in hand at three ends of the process. A kill may have come between the
destination's answer and its settlement, so such a letter may have been delivered."""

Demands = list[tuple[str, bool, str]]


def judge(
    issuer: Issuer,
    receiver: Receiver,
    *,
    destinations: Sequence[str],
    counts: dict[str, Any],
    dead_path: str,
    files: Sequence[str],
    secrets: Sequence[str],
    drained: bool = True,
) -> dict[str, Any]:
    """Return ``demands`` (text, held, seen) and ``figures``.

    ``counts`` is what `destinations status --json` says of the destinations, ``dead_path`` what
    `dead export` wrote, ``files`` is everything that must not hold ``secrets``. With ``drained``
    nothing may be left in the queue.
    """
    dead = _dead(Path(dead_path))
    figures = {"issued": issuer.issued, "acknowledged": len(issuer.acked)}
    figures["duplicates"] = figures["dead"] = 0
    lost, strange, differ, twice, counted = [], [], [], [], []
    poison = 0
    for name in destinations:
        seen = receiver.seen[name]
        buried = dead.get(name, {})
        ends = set(seen.digests) | set(buried)
        lost += [f"{name}: {one}" for one in sorted(issuer.acked - ends)]
        strange += [f"{name}: {one}" for one in ends if not 0 <= one < issuer.issued]
        strange += [f"{name}: {one!r}" for one in seen.strangers]
        differ += [f"{name}: {one}" for one in _different(seen, buried)]
        both = seen.confirmed & set(buried)
        given_up = {one for one in both if buried[one]["_delivery"]["code"] == POISON}
        poison += len(given_up)
        twice += [f"{name}: {one}" for one in sorted(both - given_up)]
        counted += _miscounted(
            name, counts.get(name, {}), len(issuer.acked), issuer.issued, drained
        )
        figures["duplicates"] += len(seen.receipts) - len(seen.digests)
        figures["dead"] += len(buried)
    if poison:
        figures["answered, but in hand at three ends of the process, and buried"] = poison
    leaks = _leaks(map(Path, files), secrets)
    demands: Demands = [
        ("every acknowledged event is delivered or dead-lettered", not lost, _few(lost, "lost")),
        ("nothing arrives that was not sent", not strange, _few(strange, "strange")),
        ("bodies are equal", not differ, _few(differ, "different")),
        ("one end per event and destination", not twice, _few(twice, "with two")),
        ("accepted = delivered + dead + filtered + queued", not counted, "; ".join(counted)),
        ("no secret in log, queue, dead letters or output", not leaks, _few(leaks, "files")),
    ]
    return {"demands": demands, "figures": figures}


def _dead(path: Path) -> dict[str, dict[int, Any]]:
    """Read the export: by destination the events by number."""
    found: dict[str, dict[int, Any]] = {}
    for line in path.read_bytes().splitlines():
        event = orjson.loads(line)
        number = number_of(str(event.get("messageId")))
        found.setdefault(event["_delivery"]["destination"], {})[
            -1 if number is None else number
        ] = event
    return found


def _different(seen: Seen, buried: dict[int, Any]) -> list[int]:
    wrong = [number for number, some in seen.digests.items() if some != {digest(body(number))}]
    wrong += [
        number
        for number, event in buried.items()
        if event.get("properties", {}).get("body") != body(number)
    ]
    return wrong


def _miscounted(
    name: str, counts: dict[str, Any], acked: int, issued: int, drained: bool
) -> list[str]:
    wrong = []
    accepted = counts.get("accepted", 0)
    if counts.get("difference", 0):
        wrong.append(f"{name}: difference {counts['difference']}")
    if not acked <= accepted <= issued:
        wrong.append(f"{name}: {accepted} accepted, {acked} acknowledged, {issued} sent")
    if drained and counts.get("queued", 0):
        wrong.append(f"{name}: {counts['queued']} still queued")
    return wrong


def _leaks(files: Iterable[Path], secrets: Sequence[str]) -> list[str]:
    spellings = {spelling.encode() for secret in secrets for spelling in _spellings(secret)}
    return [
        path.name
        for path in files
        if path.exists() and any(one in path.read_bytes() for one in spellings)
    ]


def _spellings(secret: str) -> set[str]:
    packed = {base64.b64encode(one.encode()).decode() for one in (secret, f"{secret}:")}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *packed}


def _few(found: list[str], what: str) -> str:
    shown = ", ".join(found[:5])
    return f"{len(found)} {what}" + (
        f" ({shown}{', ...' if len(found) > 5 else ''})" if found else ""
    )
