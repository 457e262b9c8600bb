"""A damaged vector file costs what is damaged: all else is judged, and the exit code says so."""

import gzip
import json
from pathlib import Path

import pytest

from tests.conformance.__main__ import main

GOOD = {
    "id": "one",
    "kind": "fql",
    "feature": "match",
    "input": {"op": "match", "fql": 'type = "track"', "event": {"type": "track"}},
    "expect": {"matched": True},
}
LINE = json.dumps(GOOD).encode() + b"\n"


def without(key: str) -> bytes:
    return json.dumps({name: value for name, value in GOOD.items() if name != key}).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE[:40], "is no JSON: Expecting value"),
        (b'{"id": "\xff"}\n', r"byte 9 is not UTF-8: b'\xff'"),
        (b"5\n", "must be an object, got a number"),
        (b"true\n", "must be an object, got a boolean"),
        (b"[" + LINE.strip() + b"]\n", "must be an object, got an array"),
        (b"[" * 200_000 + b"\n", "is no JSON: "),
        (without("kind"), "kind must be one of fql, mapping, validation, customerio, request"),
        (json.dumps({**GOOD, "kind": "runner"}).encode(), "request, got 'runner'"),
        (json.dumps({**GOOD, "kind": ["fql"]}).encode(), "request, got ['fql']"),
        (without("input"), "input must be an object, got None"),
        (without("expect"), "has neither expect nor error"),
    ],
)
def test_a_damaged_line_fails_and_the_others_are_judged(
    line: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report says which line it is and what is wrong with it."""
    file = tmp_path / "some.jsonl"
    file.write_bytes(LINE + line.rstrip() + b"\n\n" + LINE)
    assert main([str(file)]) == 1
    said = capsys.readouterr().out
    assert "fql: 2 passed, 0 deviating as listed, 0 failed" in said
    assert "damaged: 0 passed, 0 deviating as listed, 1 failed" in said
    assert "FAILED some.jsonl line 2 " in said
    assert reason in said


def test_a_file_that_is_cut_off_gives_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither half a gzip nor one that never was any hides what was read before."""
    packed = gzip.compress(LINE) + gzip.compress(LINE)
    (tmp_path / "half.jsonl.gz").write_bytes(packed[:-10])
    (tmp_path / "none.jsonl.gz").write_bytes(LINE)
    assert main([str(file) for file in sorted(tmp_path.iterdir())]) == 1
    said = capsys.readouterr().out
    assert "fql: 1 passed" in said or "fql: 2 passed" in said
    assert "damaged: 0 passed, 0 deviating as listed, 2 failed" in said


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + LINE, LINE.replace(b"\n", b"\r\n"), without("id"), without("feature")],
    ids=["byte order mark", "CRLF", "no id", "no feature"],
)
def test_what_is_only_unusual_is_judged(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte order mark is no part of the vector, and a name is not needed to judge one."""
    file = tmp_path / "some.jsonl"
    file.write_bytes(content)
    assert main([str(file)]) == 0
    assert "fql: 1 passed" in capsys.readouterr().out


def test_nothing_to_judge_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an empty file one learns nothing; of a missing one not even that."""
    empty, full = tmp_path / "empty.jsonl", tmp_path / "full.jsonl"
    empty.write_bytes(b"")
    full.write_bytes(LINE)
    assert main([str(empty)]) == 1
    assert main([str(full), "--only", "two"]) == 1
    assert capsys.readouterr().out == "0 vectors\n0 vectors\n"
    assert main([str(tmp_path / "missing.jsonl"), str(full)]) == 2
    said = capsys.readouterr()
    assert "fql: 1 passed" in said.out
    assert "missing.jsonl cannot be opened: No such file or directory" in said.err
