"""`destinations send` up to the network: what is read, what is written, which code it ends with."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from destination_core.cli.report import OTHERS, REASONS
from tests.command_line import CommandLine, Run

TRACK = {"type": "track", "event": "A", "userId": "u"}
REJECTED = {"type": "identify", "userId": "u"}
CONFIG = {
    "destinations": {
        name: {
            "plugin": "customerio",
            "settings": {
                "site_id": "${env:CUSTOMERIO_SITE_ID}",
                "api_key": "${env:CUSTOMERIO_API_KEY}",
            },
            "subscriptions": [{"preset": "Create or Update Person"}],
        }
        for name in ("a", "b")
    }
}


class Shell:
    """A folder with a configuration, and `send` in it."""

    def __init__(self, destinations: CommandLine, config: Path) -> None:
        self.destinations = destinations
        self.config = config
        self.folder = config.parent

    def write(self, name: str, *events: Any) -> Path:
        """Write NDJSON."""
        path = self.folder / name
        path.write_text("".join(json.dumps(event) + "\n" for event in events), "utf-8")
        return path

    def send(self, *arguments: object, stdin: bytes = b"") -> Run:
        """Plan, and send nothing."""
        return self.destinations("send", self.config, *arguments, "--dry-run", stdin=stdin)

    def report(self, *arguments: object, stdin: bytes = b"") -> Any:
        """Plan, and give the report."""
        return self.send(*arguments, "--json", stdin=stdin).json()


@pytest.fixture
def shell(destinations: CommandLine, config: Path) -> Shell:
    """Give a folder to send from."""
    return Shell(destinations, config)


@pytest.mark.parametrize("batch", ["--batch", "--no-batch"])
def test_the_summary(shell: Shell, batch: str) -> None:
    """Events by outcome, and each reason once with the place where it came up first."""
    events = shell.write("e.ndjson", TRACK, REJECTED, {"type": "group", "userId": "u"}, REJECTED)
    run = shell.send(events, batch)
    assert run.code == 1
    for said in (
        "4 events in",
        "1  delivered",
        "2  rejected",
        "1  filtered (no subscription matches, or `integrations` excludes it)",
        "2  rejected: Email Address is required",
        f"(customerio, Create or Update Person; first at {events}:2)",
        "dry run: nothing was sent",
    ):
        assert said in run.out, run.out


def test_a_type_that_is_none_of_segments_is_named(shell: Shell) -> None:
    """A mistake in `type` is told from an event that nothing asks for, with its line."""
    events = shell.write("e.ndjson", {"type": "group"}, {"type": "trak"}, {"type": "trak"})
    report = shell.report(events)
    assert report["filtered"] == 3
    (one,) = report["reasons"]
    assert (one["status"], one["count"]) == ("filtered", 2)
    assert one["places"] == [f"{events}:2", f"{events}:3"]
    assert "type 'trak' is none of track, identify," in one["reason"]


def test_what_is_different_each_time_does_not_fill_the_memory(shell: Shell) -> None:
    """Of reasons beyond measure only the number is kept, by status."""
    events = [{"type": f"none of them: {n}"} for n in range(REASONS + 2)]
    reasons = shell.report(shell.write("e.ndjson", *events))["reasons"]
    assert len(reasons) == REASONS + 1
    assert (reasons[0]["count"], reasons[0]["status"]) == (2, "filtered")
    assert reasons[0]["reason"] == OTHERS
    assert sum(one["count"] for one in reasons) == len(events)


def test_equal_faults_of_lines_are_one_reason(shell: Shell) -> None:
    """Their lines do not tell them apart; the first is named, in NDJSON and in an array."""
    lines = shell.folder / "e.ndjson"
    lines.write_text('{"no": 1}\n{"type": "group"}\n{"no": 2}\n', "utf-8")
    array = shell.folder / "e.json"
    array.write_text('[{"type": "group"},\n{"no": 1}, {"no": 2}]', "utf-8")
    places = {lines: [":1", ":3"], array: [": item 2 (line 2)", ": item 3 (line 2)"]}
    for events, ends in places.items():
        (one,) = shell.report(events)["reasons"]
        assert one == {
            "status": "unreadable",
            "reason": "event has no 'type'; add one such as 'track' or 'identify'",
            "destination": "",
            "subscription": "",
            "count": 2,
            "places": [f"{events}{end}" for end in ends],
        }


def test_the_same_reason_of_two_destinations_is_two(shell: Shell) -> None:
    """Whoever mends it has to know where."""
    config = json.loads(json.dumps(CONFIG))
    shell.config = shell.folder / "two.json"
    shell.config.write_text(json.dumps(config), "utf-8")
    run = shell.send(shell.write("e.ndjson", REJECTED))
    for whose in ("a, Create or Update Person; first", "b, Create or Update Person; first"):
        assert whose in run.out


def test_what_to_do_with_failures_is_said(shell: Shell) -> None:
    """Where there are any."""
    failures = shell.folder / "failed"
    for event, said in ((TRACK, False), (REJECTED, True)):
        run = shell.send(shell.write("e.ndjson", event), "--failures", failures)
        assert (f"destinations send {shell.config} {failures}" in run.out) is said


def test_going_on_keeps_the_failures_of_the_first_run(shell: Shell) -> None:
    """With `--from-line` the file of failures is added to; without, it is left as it is.

    It is for its owner alone: it holds events.
    """
    events, failures = shell.write("e.ndjson", REJECTED, REJECTED), shell.folder / "failed"
    options = (events, "--failures", failures)
    counts = []
    for more in ((), ("--from-line", 2), ()):
        run = shell.send(*options, *more)
        counts.append(len(failures.read_bytes().splitlines()))
    assert counts == [2, 3, 3]
    assert failures.stat().st_mode & 0o777 == 0o600
    assert run.code == 2
    assert f"{failures} holds what failed before; `send` it again" in run.err


def test_a_file_of_failures_that_cannot_be_written_is_named(shell: Shell) -> None:
    """On a full disk, say: what failed is not passed over."""
    run = shell.send(shell.write("e.ndjson", REJECTED), "--failures", "/dev/full")
    assert run.code == 2
    assert "error: /dev/full: No space left on device" in run.err


@pytest.mark.parametrize(
    ("events", "code"),
    [([TRACK], 0), ([{"type": "group"}], 0), ([TRACK, REJECTED], 1), ([TRACK, 5], 1), ([], 0)],
)
def test_a_rejected_or_unreadable_event_is_1(shell: Shell, events: list[Any], code: int) -> None:
    """Events that nothing asks for are no problem; events that cannot be sent are."""
    assert shell.send(shell.write("e.ndjson", *events)).code == code


def test_a_destination_that_does_not_answer_is_5(shell: Shell) -> None:
    """What could not be delivered now is in the file of failures, with the place and the reason."""
    text = shell.config.read_text("utf-8").replace(
        "    settings:\n", "    settings:\n      track_url: http://127.0.0.1:1\n"
    )
    shell.config.write_text(text, "utf-8")
    events = shell.write("e.ndjson", {"type": "group"}, TRACK)
    failures = shell.folder / "failed"
    options = ("--retries", 0, "--concurrency", 1, "--failures", failures)
    run = shell.destinations("send", shell.config, events, *options)
    assert run.code == 5
    (failed,) = [json.loads(line) for line in failures.read_bytes().splitlines()]
    mark = failed.pop("_delivery")
    assert failed == TRACK
    assert mark.pop("reason")
    assert mark.pop("code")
    assert isinstance(mark.pop("detail"), str)
    assert mark == {
        "destination": "customerio",
        "subscription": "Track Event",
        "action": "trackEvent",
        "status": "retryable",
        "file": str(events),
        "line": 2,
    }


def test_a_failure_goes_again_to_its_subscription_only(shell: Shell) -> None:
    """Of two subscriptions that match, only the one that failed gets it; the mark is taken off."""
    text = shell.config.read_text("utf-8")
    text += "      - {preset: Track Event, name: Again}\n"
    shell.config.write_text(text, "utf-8")
    mark = {"destination": "customerio", "subscription": "Again"}
    both = shell.report(shell.write("e", TRACK))
    one = shell.report(shell.write("e", {**TRACK, "_delivery": mark}))
    assert (both["outcomes"], one["outcomes"]) == ({"delivered": 2}, {"delivered": 1})


@pytest.mark.parametrize(
    "mark",
    [
        {"destination": "customerio", "subscription": "renamed"},
        {"destination": "gone", "subscription": "Track Event"},
        {"destination": "gone", "subscription": ""},
        {},
    ],
)
def test_a_failure_without_its_place_is_a_problem(shell: Shell, mark: dict[str, str]) -> None:
    """A failure whose destination or subscription is no longer there is not dropped silently."""
    failed = shell.write("failed", {**TRACK, "_delivery": mark}, TRACK)
    run = shell.send(failed, "--json")
    (reason,) = run.json()["reasons"]
    assert run.code == 1
    said = "which the configuration does not have" if mark else "names no destination"
    assert said in reason["reason"]
    assert run.json()["outcomes"] == {"delivered": 1}
    again = shell.folder / "again"
    assert shell.send(failed, "--failures", again).code == 1
    assert [json.loads(line) for line in again.read_bytes().splitlines()] == [
        {**TRACK, "_delivery": mark}
    ]


def test_from_line_is_about_the_first_file(shell: Shell) -> None:
    """The files behind it are read from their beginning."""
    one, two = shell.write("1", TRACK, TRACK, TRACK), shell.write("2", TRACK, TRACK)
    assert shell.report(one, two, "--from-line", 3)["events"] == 3


def test_an_array_starts_at_an_item(shell: Shell) -> None:
    """In a JSON array `--from-line` counts events."""
    array = json.dumps([TRACK, TRACK, REJECTED]).encode()
    report = shell.report("-", "--from-line", 2, stdin=array)
    assert report["outcomes"] == {"delivered": 1, "rejected": 1}
    assert report["reasons"][0]["places"] == ["(stdin):3"]


def test_what_cannot_be_read_is_named(shell: Shell) -> None:
    """Gzip that ends too soon is one problem; what came before it and the next file are sent."""
    packed = gzip.compress(b"".join(json.dumps(TRACK).encode() + b"\n" for _ in range(9)))
    broken = shell.folder / "broken.gz"
    broken.write_bytes(packed[:-9])
    report = shell.report(broken, shell.write("fine", TRACK))
    assert report["unreadable"] == 1
    assert report["outcomes"]["delivered"] == 10
    assert "gzip stream is damaged" in report["reasons"][0]["reason"]
    assert report["reasons"][0]["places"][0].startswith(f"{broken}:")


@pytest.mark.parametrize("spelling", ["failed", "./failed", "../{folder}/failed"])
def test_the_file_of_failures_is_not_read(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    """However its path is spelled: writing it would empty what is to be sent."""
    monkeypatch.chdir(shell.folder)
    failed = shell.write("failed", TRACK)
    before = failed.read_bytes()
    name = spelling.format(folder=shell.folder.name)
    run = shell.send("failed", "--failures", name)
    assert (run.code, "read and written at once" in run.err) == (2, True)
    assert failed.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [[], ["-", "--concurrency", "0"], ["-", "--retries", "-1"], ["-", "--from-line", "0"], ["."]],
)
def test_wrong_usage_is_2(shell: Shell, arguments: list[str]) -> None:
    """Nothing to send, numbers out of their range, a folder."""
    assert shell.send(*arguments).code == 2


@pytest.mark.parametrize("command", ["send", "run", "replay"])
def test_what_is_no_file_is_named(shell: Shell, command: str) -> None:
    """A folder, and what is not there: before anything is read."""
    for name, said in (("folder", "is a folder; name its files"), ("nothing", "no such file")):
        path = shell.folder / name
        if name == "folder":
            path.mkdir()
        run = shell.destinations(command, shell.config, path)
        assert (run.code, f"{path}: {said}" in run.err) == (2, True)


@pytest.mark.parametrize("command", ["status CONFIG", "find CONFIG --user u", "dead list CONFIG"])
def test_a_queue_that_nobody_made_is_told_without_a_lesson(shell: Shell, command: str) -> None:
    """The command is right: there is nothing to look into yet."""
    words = [shell.config if one == "CONFIG" else one for one in command.split()]
    run = shell.destinations(*words)
    assert (run.code, "nothing was queued yet" in run.err, "Usage:" in run.err) == (2, True, False)


def two(shell: Shell) -> None:
    """Let there be two destinations, `a` and `b`."""
    shell.config = shell.folder / "two.json"
    shell.config.write_text(json.dumps(CONFIG), "utf-8")


@pytest.mark.parametrize("batch", ["--batch", "--no-batch"])
def test_integrations_choose_the_destinations(shell: Shell, batch: str) -> None:
    """As `serve` and `run` have it: what nobody may get is filtered, the rest goes where it may."""
    two(shell)
    person = {"type": "identify", "userId": "u", "traits": {"email": "a@b.example"}}
    chosen = [{}, {"All": False}, {"All": False, "b": True}, {"a": False, "b": False}, None]
    events = [{**person, "integrations": one} for one in chosen]
    events += [{"type": "delete", "userId": "u", "integrations": one} for one in chosen]
    run = shell.send(shell.write("e.ndjson", *events), batch)
    assert (run.code, "4  filtered (no subscription matches, or `int" in run.out) == (0, True)
    assert "10  delivered" in run.out


def test_a_deletion_of_nobody_is_one_rejection(shell: Shell) -> None:
    """It is wrong in itself, however many destinations there are."""
    two(shell)
    report = shell.report(shell.write("e.ndjson", {"type": "delete"}))
    assert report["outcomes"] == {"rejected": 1}


def test_what_is_wrong_in_itself_goes_everywhere_once_mended(shell: Shell) -> None:
    """A deletion of nobody, an object that is no event: they stay in the chain of failures.

    What is no JSON cannot be written as such; how much that is, is said.
    """
    two(shell)
    wrong = [{"type": "delete"}, {"type": "track", "traits": "x"}, {"no": "type"}]
    first = shell.write("e.ndjson", *wrong, 5)
    first.write_bytes(first.read_bytes() + b"{no json\n")
    for name in ("1", "2"):
        failures = shell.folder / name
        run = shell.send(first, "--failures", failures)
        failed = [json.loads(line) for line in failures.read_bytes().splitlines()]
        assert run.code == 1
        if name == "1":
            assert f"2 unreadable lines are not in {failures}: mend" in run.out
        first = failures
    marks = sorted((one.pop("_delivery") for one in failed), key=lambda one: str(one["line"]))
    assert sorted(map(str, failed)) == sorted(map(str, wrong))
    assert {one["destination"] for one in marks} == {""}
    assert sorted(one["status"] for one in marks) == ["rejected", "unreadable", "unreadable"]
    assert all(one["code"] == "INVALID_EVENT" and one["reason"] for one in marks)
    mended = [{**TRACK, "type": "delete"} | {"_delivery": one} for one in marks]
    report = shell.report(shell.write("mended", *mended))
    assert report["outcomes"] == {"delivered": 6}  # at both destinations
