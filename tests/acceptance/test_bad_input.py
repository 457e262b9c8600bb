"""A file in which almost everything is wrong: every line has its outcome, the rest is delivered."""

import json

from tests.acceptance.destinations import Operator, track

GOOD = object()
BAD: list[tuple[bytes, str]] = [
    (b'{"type": "track", ', "not JSON"),
    (b"nonsense", "not JSON"),
    (b'"text"', "must be an object"),
    (b"[1, 2]", "must be an object"),
    (b"null", "must be an object"),
    (b'{"event": "x"}', "'type'"),
    (b'{"type": 5}', "'type'"),
    (b'{"type": ""}', "'type'"),
    (b'{"type": "track", "event": "x", "userId": "u", "properties": {"n": NaN}}', "JSON"),
    (b'{"type": "track", "event": "x", "userId": "u", "properties": {"n": 1e400}}', "JSON"),
    (b'{"type": "track", "event": "x", "userId": "u", "properties": {"n": -Infinity}}', "JSON"),
    (b'{"type": "track", "event": "\\ud800", "userId": "u"}', ""),
    (b'{"type": "track", "event": "\xff\xfe", "userId": "u"}', ""),
    (b'{"type": "track", "event": "x", "a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "deep"),
    (b'{"type": "track", "event": "x", "a": "' + b"y" * 5_000_000 + b'"}', "bytes long"),
    (b'{"type": "track", "event": "x"}', "Person ID nor Anonymous ID"),
    (b'{"type": "track", "event": null, "userId": "u"}', "required field 'name'"),
    (b'{"type": "track", "event": "x", "userId": {"a": 1}}', ""),
]


async def test_each_line_has_one_outcome_and_the_rest_is_delivered(operator: Operator) -> None:
    """Between any two bad lines is a good one; all of those arrive, each once."""
    lines: list[bytes] = [b"\xef\xbb\xbf" + json.dumps(track(0)).encode()]
    for number, (bad, _) in enumerate(BAD, 1):
        lines += [bad, json.dumps(track(number)).encode() + (b"\r" if number % 2 else b""), b""]
    lines += [b'{"type": "no such type", "userId": "u"}']
    (operator.folder / "bad.ndjson").write_bytes(b"\n".join(lines))

    run = await operator.run("send", "c.json", "bad.ndjson", "--json")

    report = run.json()
    assert run.code == 1
    assert report["events"] == 2 * len(BAD) + 2
    assert report["outcomes"]["delivered"] == len(BAD) + 1
    assert report["filtered"] == 1
    assert report["unreadable"] + report["outcomes"]["rejected"] == len(BAD)
    numbers = sorted(one.attributes["number"] for one in operator.simulator.state.events)
    assert numbers == list(range(len(BAD) + 1))
    reasons = " ".join(one["reason"] for one in report["reasons"])
    for bad, said in BAD:
        assert said in reasons, bad[:60]
    assert all(one["first"].startswith("bad.ndjson:") for one in report["reasons"])


async def test_numbers_that_javascript_cannot_hold_arrive(operator: Operator) -> None:
    """Integers of 400 digits and above 2^64: delivered, or given a reason."""
    events = [
        f'{{"type":"track","event":"x","userId":"u","properties":{{"number":1,"n":{n}}}}}'
        for n in ("9" * 400, str(2**64), str(2**53 + 1), "1e308", "-0")
    ]
    (operator.folder / "big.ndjson").write_text("\n".join(events), "utf-8")
    run = await operator.run("send", "c.json", "big.ndjson", "--json")
    report = run.json()
    assert report["events"] == len(events)
    assert report["outcomes"]["delivered"] + report["unreadable"] == len(events)
    assert report["outcomes"]["delivered"] >= 4
