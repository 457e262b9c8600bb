"""Configurations on the command line: `init`, `check` and `schema`, in each format."""

from pathlib import Path

import pytest

from tests.command_line import CommandLine

GOOD = {
    ".yaml": """destinations:
  customerio:
    settings:
      site_id: "${env:CUSTOMERIO_SITE_ID}"
      api_key: "${file:key}"
    subscriptions:
      - preset: Track Event
""",
    ".toml": """[destinations.customerio]
[destinations.customerio.settings]
site_id = "${env:CUSTOMERIO_SITE_ID}"
api_key = "${file:key}"

[[destinations.customerio.subscriptions]]
preset = "Track Event"
""",
    ".json": """{"destinations": {
  "customerio": {"settings": {
    "site_id": "${env:CUSTOMERIO_SITE_ID}",
    "api_key": "${file:key}"
  },
  "subscriptions": [
    {"preset": "Track Event"}]}}}
""",
}
MISTAKES = [
    ("Track Event", "Track Evnt", "did you mean 'Track Event'?"),
    ("api_key", "api_kee", "did you mean 'api_key'"),
    ("env:CUSTOMERIO_SITE_ID", "env:NOT_SET_ANYWHERE", "'NOT_SET_ANYWHERE' is not set"),
    ("file:key", "file:no-such-file", "'no-such-file' cannot be read"),
    ("${env:CUSTOMERIO_SITE_ID}", "${CUSTOMERIO_SITE_ID}", "write ${env:NAME}"),
    ("${file:key}", "key-in-the-open", "is a secret and must not stand in the file"),
    ("preset", "presett", "did you mean 'preset'?"),
]


@pytest.mark.parametrize("suffix", GOOD)
def test_each_format_is_read(destinations: CommandLine, tmp_path: Path, suffix: str) -> None:
    """YAML, TOML and JSON say the same; a secret's file is found beside the configuration."""
    (tmp_path / "key").write_text("key-from-a-file\n", "utf-8")
    path = tmp_path / f"c{suffix}"
    path.write_text(GOOD[suffix], "utf-8")
    run = destinations("check", path)
    assert (run.code, run.out) == (0, "customerio: Customer.io, 1 subscription\n"), run.err


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("suffix", GOOD)
def test_a_mistake_is_named_with_file_and_line(
    destinations: CommandLine, tmp_path: Path, suffix: str, mistake: tuple[str, str, str]
) -> None:
    """Every command that reads a configuration names the line, and what to write instead."""
    right, wrong, said = mistake
    (tmp_path / "key").write_text("key-from-a-file\n", "utf-8")
    path = tmp_path / f"c{suffix}"
    path.write_text(GOOD[suffix].replace(right, wrong), "utf-8")
    line = GOOD[suffix][: GOOD[suffix].index(right)].count("\n") + 1
    # an item is blamed as a whole: in TOML its first line is the one above
    places = [f"c{suffix}:{one}:" for one in (line, line - 1)]
    for more in (["check", path], ["send", path, "-"], ["explain", path, '{"type": "track"}']):
        run = destinations(*more)
        assert run.code == 3
        assert said in run.err
        assert any(place in run.err for place in places), run.err
        assert "key-in-the-open" not in run.out + run.err


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("c.yaml", b"destinations: [", "c.yaml:1:"),
        ("c.yaml", b"a: 1\na: 2\n", "c.yaml:2:1: "),
        ("c.yaml", b"", "c.yaml: must hold `destinations`"),
        ("c.yaml", b"- 1\n", "c.yaml: must hold `destinations`"),
        ("c.yaml", b"destinations: {}\n", "c.yaml:1:1: no destination is configured"),
        ("c.yaml", b"\xff\xfe", "c.yaml: is not UTF-8 at byte 0"),
        ("c.yaml", b"destinations:", "c.yaml:1:1: 'destinations' must be a mapping of keys to v"),
        ("c.yaml", b"destinations: {a: }", "'a' must be a mapping of keys to values, got nothing"),
        (
            "c.json",
            b'{"destinations": {"a": {"plugin": []}}}',
            "'plugin' must be a text, got a list",
        ),
        (
            "c.json",
            b'{"destinations": {"a": {"enabled": false, "subscriptions": [5]}}}',
            "item 1 must be a mapping of keys to values, got 5",
        ),
        ("c.json", b'{\n"destinations": ', "c.json:2:17: not JSON"),
        ("c.json", b"[" * 100_000, "c.json"),
        ("c.toml", b"a = \n", "c.toml:1:5: not TOML"),
        ("c.txt", b"", "c.txt: configuration must end in .yaml, .yml, .toml, .json"),
        ("c", b"", "c: configuration must end in"),
    ],
)
def test_what_is_no_configuration(
    destinations: CommandLine, tmp_path: Path, name: str, content: bytes, place: str
) -> None:
    """Whatever the file holds is one line with its place, as text and as JSON."""
    path = tmp_path / name
    path.write_bytes(content)
    text, data = destinations("check", path), destinations("check", path, "--json")
    assert (text.code, data.code) == (3, 3)
    assert place in text.err
    assert text.err.endswith("\n1 problem\n")
    assert place in data.json()["problems"][0]


@pytest.mark.parametrize("arguments", [[], ["--empty"]])
@pytest.mark.parametrize("missing", ["CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"])
def test_init_is_good_once_the_variables_are_set(
    destinations: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    missing: str,
) -> None:
    """What `init` writes to standard output lacks nothing but the variables, which it names."""
    path = tmp_path / "c.yaml"
    path.write_text(destinations("init", "customerio", *arguments).out, "utf-8")
    assert destinations("check", path).code == 0
    monkeypatch.delenv(missing)
    run = destinations("check", path)
    assert run.code == 3
    assert f"environment variable {missing!r} is not set" in run.err


def test_check_reads_what_only_serve_needs(destinations: CommandLine, config: Path) -> None:
    """The sources that `init` suggests, their keys, and a queue that would forget too soon."""
    suggested = config.read_text("utf-8").replace("# sources:", "sources:")
    suggested = suggested.replace("#   website", "  website").replace("#     write", "    write")
    config.write_text(suggested + "queue:\n  dedup_window: 60\n", "utf-8")
    lines = destinations("check", config).err.splitlines()
    assert "environment variable 'WEBSITE_WRITE_KEY' is not set" in lines[0]
    assert "dedup_window is 60 s, shorter than a retry_window of 14400 s" in lines[1]
    assert lines[2] == "2 problems"


def test_check_as_json(destinations: CommandLine, config: Path) -> None:
    """Nothing found, and nothing asked."""
    found = destinations("check", config, "--json").json()
    assert found == {"problems": [], "warnings": [], "authentication": {}}


def test_check_lists_what_gets_nothing(destinations: CommandLine, config: Path) -> None:
    """A destination that is disabled, and one that no subscription leads to."""
    text = config.read_text("utf-8")
    config.write_text(text.replace("settings:", "enabled: false\n    settings:", 1), "utf-8")
    run = destinations("check", config)
    assert (run.code, run.out) == (0, "customerio: disabled\n")
    config.write_text(destinations("init", "customerio", "--empty").out, "utf-8")
    run = destinations("check", config)
    said = "customerio: Customer.io, 0 subscriptions: every event is filtered\n"
    assert (run.code, run.out) == (0, said)


def test_check_warns_of_a_queue_that_could_not_be_made(
    destinations: CommandLine, config: Path
) -> None:
    """`serve` would not start here."""
    config.write_text(config.read_text("utf-8") + "queue: {path: nowhere/q.db}\n", "utf-8")
    run = destinations("check", config)
    assert run.code == 1
    assert run.err == f"warning: queue.path: there is no folder '{config.parent}/nowhere'\n"
