"""What every command has in common: JSON, colours, secrets, errors."""

import json
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from destination_core.cli.main import COMMANDS, group, is_compiled
from destination_core.errors import PluginError
from tests.command_line import CANARY, SITE, CommandLine

EVENT = json.dumps({"type": "track", "event": "A", "userId": "u", "traits": {"a": 1}})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plugins"], 0),
        (["describe", "customerio"], 0),
        (["check", "CONFIG"], 0),
        (["check", "BROKEN"], 3),
        (["explain", "CONFIG", EVENT], 0),
        (["explain", "CONFIG", '{"type": "page"}'], 1),
        (["send", "CONFIG", "-", "--dry-run"], 0),
        (["demo", "--events", "EVENTS"], 0),
    ],
)
def test_json_parses(
    destinations: CommandLine, config: Path, tmp_path: Path, arguments: list[str], code: int
) -> None:
    """`--json` is one JSON document, whatever the exit code, and nothing beside it."""
    broken, events = tmp_path / "broken.yaml", tmp_path / "events.ndjson"
    broken.write_text("destinations: [", "utf-8")
    events.write_text(EVENT + "\n", "utf-8")
    places = {"CONFIG": str(config), "BROKEN": str(broken), "EVENTS": str(events)}
    run = destinations(*[places.get(one, one) for one in arguments], "--json", stdin=EVENT.encode())
    assert run.code == code, run.err
    assert run.json()
    assert run.err == ""


@pytest.mark.parametrize("arguments", [["plugins"], ["describe", "customerio"]])
def test_colours(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Headings are bold on a terminal; with NO_COLOR there is no escape code, not even a reset."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = CliRunner().invoke(group, arguments, color=True).output
    assert "\x1b[1m" in shown
    plain = CliRunner().invoke(group, arguments, color=True, env={"NO_COLOR": "1"}).output
    assert plain == CliRunner().invoke(group, arguments).output
    assert "\x1b" not in plain


def test_secrets_stay_secret(destinations: CommandLine, config: Path, tmp_path: Path) -> None:
    """No command prints or writes a secret, not even when a check of it fails."""
    failures = tmp_path / "failed.ndjson"
    text = config.read_text("utf-8").replace(
        "    settings:\n", "    settings:\n      track_url: http://127.0.0.1:1\n"
    )
    config.write_text(text, "utf-8")
    for arguments in (
        ("check", config, "--live"),
        ("check", config, "--live", "--json"),
        ("explain", config, EVENT),
        ("explain", config, EVENT, "--json"),
        ("--debug", "send", config, "-", "--retries", "0", "--failures", failures),
        ("send", config, "-", "--retries", "0", "--json"),
        ("schema",),
        ("init", "customerio"),
    ):
        destinations(*arguments, stdin=EVENT.encode())  # which looks for the secrets
    written = failures.read_text("utf-8")
    assert '"status":"retryable"' in written
    assert CANARY not in written
    assert SITE not in written


@pytest.mark.parametrize("key", ["account_region", "track_url", "any_identifier", "nonsense"])
def test_a_secret_at_the_wrong_place_is_not_repeated(
    destinations: CommandLine, config: Path, key: str
) -> None:
    """Even a secret that was put into another setting does not come out in the complaint."""
    text = config.read_text("utf-8")
    head, rest = text.split("    settings:\n")
    mistake = f'    settings:\n      {key}: "${{env:CUSTOMERIO_API_KEY}}"\n'
    config.write_text(head + mistake + rest, "utf-8")
    run = destinations("check", config)
    assert run.code == 3
    line = head.count("\n") + 2
    assert f"customerio.yaml:{line}:7: {key!r} " in run.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["init", "customerio", "-o", "nowhere/c.yaml"], "nowhere/c.yaml: No such file"),
        (["init", "customerio", "-o", "c.toml"], "c.toml: what is written is YAML; name it c.yaml"),
        (["send", "CONFIG", "-", "--failures", "nowhere/f"], "nowhere/f: No such file"),
        (["demo", "--plugin", "nope"], "'nope' is not installed"),
        (["explain", "CONFIG", '{"type": 5}'], "'type' must be a string"),
        (["explain", "CONFIG", "-"], "not JSON"),
    ],
)
def test_errors_are_one_line(
    destinations: CommandLine, config: Path, arguments: list[str], said: str
) -> None:
    """A mistake is named, with the file it is about, and there is no traceback."""
    run = destinations(*[str(config) if one == "CONFIG" else one for one in arguments])
    assert run.code in (2, 3)
    assert said in run.err
    assert "Traceback" not in run.err


def loaded_for_help(*command: str) -> set[str]:
    """Ask for help in a process of its own; return the modules that it took."""
    program = (
        f"import sys, destination_core.cli as c; sys.argv = ['', *{command}, '--help']\n"
        "try: c.main()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in command or COMMANDS)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    return loaded


def test_help_is_quick() -> None:
    """`--help` imports none of what only the commands need."""
    slow = {"aiohttp", "pydantic", "lark", "liquid", "orjson", "rich", "asyncio"}
    assert loaded_for_help().isdisjoint(slow)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_a_command_is_quick(command: str) -> None:
    """It does not wait for what the command works with either."""
    slow = {"aiohttp", "pydantic", "lark", "liquid", "rich", "structlog", "copier"}
    assert loaded_for_help(command).isdisjoint(slow)


def test_version(destinations: CommandLine) -> None:
    """The version of the core, and nothing else: what is tested here are the sources."""
    run = destinations("--version")
    assert (run.code, run.out) == (0, version("destination-core") + "\n")
    assert is_compiled(find_spec("orjson.orjson"))
    assert not is_compiled(find_spec("destination_core.plan"))


def test_debug_shows_where_an_error_comes_from(destinations: CommandLine) -> None:
    """Only `--debug` gives a traceback to somebody who asked for it."""
    assert destinations("describe", "nope").code == 3
    with pytest.raises(PluginError, match="'nope' is not installed"):
        destinations("--debug", "describe", "nope")


@pytest.mark.parametrize("form", ["text", "markdown", "json", "jsonschema"])
def test_describe_names_every_action(destinations: CommandLine, form: str) -> None:
    """Whatever the format, none of what is installed is left out."""
    plugins = destinations("plugins", "--json").json()["plugins"]
    assert plugins
    for plugin in plugins:
        run = destinations("describe", plugin["slug"], "--format", form)
        assert run.code == 0
        assert all(action in run.out for action in plugin["actions"])
