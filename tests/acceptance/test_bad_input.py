"""A file in which almost everything is wrong: every line has its outcome, the rest is delivered."""

import json

import pytest

from tests.acceptance.destinations import Operator, track

ODD = b'{"type": "track", "event": "x", "userId": "u", '
BAD: list[tuple[bytes, str]] = [
    (b'{"type": "track", ', "not JSON"),
    (b"nonsense", "not JSON"),
    (b'{"type": "track"} {"type": "track"}', "not JSON"),
    (b'"text"', "must be an object, got 'text'"),
    (b"[1, 2]", "must be an object, got a list"),
    (b"null", "must be an object, got null"),
    (b'{"event": "x"}', "no 'type'"),
    (b'{"type": 5}', "'type' must be a string"),
    (b'{"type": ""}', "'type' must be a string"),
    (ODD + b'"properties": []}', "'properties' must be an object, got a list"),
    (ODD + b'"traits": "text"}', "'traits' must be an object, got 'text'"),
    (ODD + b'"properties": {"n": NaN}}', "holds NaN"),
    (ODD + b'"properties": {"n": Infinity}}', "holds Infinity"),
    (ODD + b'"properties": {"n": -Infinity}}', "JSON"),
    (ODD + b'"properties": {"n": 1e400}}', "too large for a double"),
    (ODD + b'"properties": {"n": ' + b"9" * 400 + b"}}", "too large for a double"),
    (b'{"type": "track", "event": "\\ud800", "userId": "u"}', "surrogate"),
    (b'{"type": "track", "event": "\xff\xfe", "userId": "u"}', "not UTF-8: byte 0xff"),
    (ODD + b'"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested more than 100 levels deep"),
    (ODD + b'"a": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}", "nested more than 100"),
    (ODD + b'"a": "' + b"y" * 5_000_000 + b'"}', "the limit is 512,000"),
    (b'{"type": "track", "event": "x"}', "Person ID nor Anonymous ID"),
    (b'{"type": "track", "event": null, "userId": "u"}', "required field 'name'"),
    (b'{"type": "track", "event": "x", "userId": {"a": 1}}', "'userId' must be a string"),
    (b'{"type": "delete"}', "neither userId nor anonymousId"),
    (ODD + b'"properties": {"blob": "' + b"y" * 40_000 + b'"}}', "32,000"),
]


def mixed() -> tuple[bytes, dict[int, str]]:
    """Return a file with a good event between any two bad lines, and what is wrong by line."""
    lines = [b"\xef\xbb\xbf" + json.dumps(track(0)).encode()]
    said: dict[int, str] = {}
    for number, (bad, reason) in enumerate(BAD, 1):
        lines.append(bad)
        said[len(lines)] = reason
        lines += [json.dumps(track(number)).encode() + (b"\r" if number % 2 else b""), b"", b" \r"]
    lines.append(b'{"type": "no such type", "userId": "u"}')
    return b"\n".join(lines), said


@pytest.mark.parametrize("batch", ["--batch", "--no-batch"])
async def test_each_line_has_one_outcome_and_the_rest_is_delivered(
    operator: Operator, batch: str
) -> None:
    """Each bad line is named once with its reason; all good ones arrive, each once."""
    content, said = mixed()
    (operator.folder / "bad.ndjson").write_bytes(content)

    run = await operator.run(
        "send", "c.json", "bad.ndjson", batch, "--json", "--failures", "failed"
    )

    report = run.json()
    assert run.code == 1, run.err
    assert report["events"] == 2 * len(BAD) + 2
    assert report["outcomes"].pop("delivered") == len(BAD) + 1
    assert report["filtered"] == 1
    assert report["unreadable"] + sum(report["outcomes"].values()) == len(BAD)
    numbers = sorted(one.attributes["number"] for one in operator.simulator.state.events)
    assert numbers == list(range(len(BAD) + 1))
    found = {
        int(place.removeprefix("bad.ndjson:")): one["reason"]
        for one in report["reasons"]
        if one["status"] == "unreadable"
        for place in one["places"]
    }
    assert len(found) == report["unreadable"]
    written = 0
    for line in (operator.folder / "failed").read_bytes().splitlines():
        mark = json.loads(line)["_delivery"]
        unreadable = mark["status"] == "unreadable"  # an object, and no event
        assert unreadable is (mark["line"] in found)
        assert found.setdefault(mark["line"], mark["reason"]) == mark["reason"]
        written += unreadable
    assert report["left_out"] == report["unreadable"] - written
    assert found.keys() == said.keys()
    for line, reason in said.items():
        assert reason in found[line], line


async def test_an_array_is_read_like_lines(operator: Operator) -> None:
    """One bad item of a JSON array does not sink its neighbours."""
    items = [json.dumps(track(0)), '{"type": 5}', "NaN", "", json.dumps(track(1)), '"x"']
    text = "[\r\n" + ",\r\n".join(items) + "\r\n]\r\n"
    (operator.folder / "array.json").write_text(text, "utf-8")
    run = await operator.run("send", "c.json", "array.json", "--json")
    report = run.json()
    assert (run.code, report["unreadable"], report["outcomes"]) == (1, 4, {"delivered": 2})
    found = sorted(place for one in report["reasons"] for place in one["places"])
    places = ["item 2 (line 3)", "item 3 (line 4)", "item 4 (line 4)", "item 6 (line 7)"]
    assert found == [f"array.json: {place}" for place in places]
    assert len(operator.simulator.state.events) == 2


async def test_numbers_that_javascript_cannot_hold_arrive(operator: Operator) -> None:
    """Integers above 2^53 and 2^64 and the largest doubles are delivered."""
    numbers = ["9" * 300, str(2**64), str(2**53 + 1), "1e308", "-0", "5e-324"]
    events = [
        f'{{"type":"track","event":"x","userId":"u","properties":{{"number":1,"n":{n}}}}}'
        for n in numbers
    ]
    (operator.folder / "big.ndjson").write_text("\n".join(events), "utf-8")
    run = await operator.run("send", "c.json", "big.ndjson", "--json")
    assert (run.code, run.json()["outcomes"]) == (0, {"delivered": len(numbers)}), run.out
    held = {float(one.attributes["n"]) for one in operator.simulator.state.events}
    assert held == {float(n) for n in numbers}
