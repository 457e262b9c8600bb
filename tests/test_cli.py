"""The command line: what each command prints, and which exit code it ends with."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from destination_core.cli.main import COMMANDS
from tests import bench
from tests.command_line import CANARY, CommandLine


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_has_an_example(destinations: CommandLine, command: str) -> None:
    """Every command says what it does, and shows a command line that uses it."""
    run = destinations(command, "--help")
    assert run.code == 0
    assert f"destinations {command}" in run.out.split("Example: ")[1]


def test_the_list_of_commands(destinations: CommandLine) -> None:
    """`--help` lists all of them."""
    run = destinations("--help")
    assert all(f"  {name} " in run.out for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "Did you mean 'check'?"),
        (["check"], "CONFIG"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
        (["describe", "customerio", "--format", "pdf"], "pdf"),
        (["completion", "cmd"], "cmd"),
        (["tail", __file__, "--status", "bogus"], "'bogus' is not one of 'delivered'"),
        (["serve", __file__, "--listen", "127.0.0.1:99999"], "a port up to 65535, got"),
    ],
)
def test_wrong_usage_is_2(destinations: CommandLine, arguments: list[str], said: str) -> None:
    """A command line that cannot be understood."""
    run = destinations(*arguments)
    assert (run.code, said in run.err) == (2, True)


def test_plugins(destinations: CommandLine) -> None:
    """Slug, title, distribution, version and actions of what is installed."""
    assert "destination-customerio 0." in destinations("plugins").out
    listed = {one["slug"]: one for one in destinations("plugins", "--json").json()["plugins"]}
    one = listed["customerio"]
    assert (one["title"], len(one["actions"])) == ("Customer.io", 16)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_describe_for_people(destinations: CommandLine, form: str) -> None:
    """Settings, actions with their fields, and presets."""
    run = destinations("describe", "customerio", "--format", form)
    assert run.code == 0
    for part in ("Account Region" if form == "markdown" else "accountRegion", "trackEvent", "name"):
        assert part in run.out


def test_describe_for_programs(destinations: CommandLine) -> None:
    """The catalogue with fields, defaults and presets, and the schemas."""
    catalogue = destinations("describe", "customerio", "--json").json()
    assert catalogue == destinations("describe", "customerio", "--format", "json").json()
    track = next(one for one in catalogue["actions"] if one["slug"] == "trackEvent")
    assert track["fields"]["name"]["default"] == {"@path": "$.event"}
    assert [one["name"] for one in catalogue["presets"]][:1] == ["Track Event"]
    schemas = destinations("describe", "customerio", "--format", "jsonschema").json()
    assert "api_key" in str(schemas) or "apiKey" in str(schemas)


def test_a_plugin_that_is_not_installed_is_3(destinations: CommandLine) -> None:
    """It says what is, and how to get another."""
    run = destinations("describe", "nope")
    assert run.code == 3
    assert "installed: customerio" in run.err


def test_init_writes_what_check_accepts(destinations: CommandLine, config: Path) -> None:
    """Quick Setup: the three documented subscriptions, and credentials by reference."""
    run = destinations("check", config)
    assert (run.code, run.out) == (0, "customerio: Customer.io, 3 subscriptions\n")
    again = destinations("init", "customerio", "-o", config)
    assert (again.code, "exists already" in again.err) == (2, True)


def test_init_leaves_secrets_out_that_are_optional(destinations: CommandLine) -> None:
    """A reference to a variable that nobody has to set would make `check` fail."""
    written = destinations("init", "webhook").out
    assert '      # signing_secret: "${env:WEBHOOK_SIGNING_SECRET}"' in written.splitlines()


def test_init_empty_is_customized_setup(destinations: CommandLine, tmp_path: Path) -> None:
    """No subscription, and the place for them."""
    path = tmp_path / "empty.yaml"
    path.write_text(destinations("init", "customerio", "--empty").out, "utf-8")
    assert "0 subscriptions" in destinations("check", path).out


def test_check_names_every_mistake_with_its_place(
    destinations: CommandLine, tmp_path: Path
) -> None:
    """File, line and column, what is wrong and what to do: all at once, as text and as JSON."""
    path = tmp_path / "bad.yaml"
    path.write_text(
        "destinations:\n"
        "  customerio:\n"
        "    settings:\n"
        '      site_id: "${env:CUSTOMERIO_SITE_ID}"\n'
        f"      api_key: {CANARY}\n"
        "      account_regoin: EU\n"
        "    subscriptions:\n"
        "      - preset: Track Evnt\n"
        "      - action: trackEvent\n"
        "        trigger: 'userid = 1'\n"
        "  other:\n"
        "    plugin: nope\n",
        "utf-8",
    )
    run = destinations("check", path)
    assert run.code == 3
    lines = run.err.splitlines()
    for place, said in (
        ("bad.yaml:5:7", "${env:CUSTOMERIO_API_KEY}"),
        ("bad.yaml:6:7", "did you mean 'account_region'?"),
        ("bad.yaml:8:9", "did you mean 'Track Event'?"),
        ("bad.yaml:9:9", "did you mean 'userId'"),
        ("bad.yaml:12:5", "'nope' is not installed"),
    ):
        assert any(place in line and said in line for line in lines), (place, run.err)
    problems = destinations("check", path, "--json").json()["problems"]
    assert len(problems) == 5


def test_check_warns_of_what_is_probably_not_meant(destinations: CommandLine, config: Path) -> None:
    """An unknown mapping field is legal, and a warning ends with 1."""
    text = config.read_text("utf-8").split("    subscriptions:")[0]
    config.write_text(
        text + "    subscriptions:\n      - action: trackEvent\n"
        "        trigger: 'type = \"track\"'\n        mapping: {nmae: {'@path': $.event}}\n",
        "utf-8",
    )
    run = destinations("check", config)
    assert run.code == 1
    assert "did you mean 'name'?" in run.err
    assert "required field 'name'" in run.err


def test_explain(destinations: CommandLine, config: Path) -> None:
    """Which condition decided, the payload, the request without credentials; nothing is sent."""
    event = '{"type": "track", "event": "A", "userId": "u1", "messageId": "m"}'
    run = destinations("explain", config, event)
    assert run.code == 0
    assert 'type = "track" holds: the event has "track"' in run.out
    assert "POST https://track.customer.io/api/v2/entity" in run.out
    assert "1 of 3 subscriptions match; nothing was sent" in run.out
    first, second, _ = destinations("explain", config, "-", "--json", stdin=event.encode()).json()
    assert first["matched"]
    assert first["payload"]["name"] == "A"
    assert first["requests"][0]["body"]["identifiers"] == {"id": "u1"}
    assert not second["matched"]
    assert second["decided_by"][0]["actual"] == "track"
    unknown = destinations("explain", config, event.replace("track", "trak"))
    assert (unknown.code, "type 'trak' is none of track, identify" in unknown.err) == (1, True)


def test_explain_an_event_that_is_rejected(destinations: CommandLine, config: Path) -> None:
    """The reason is shown, and the exit code is 1."""
    run = destinations("explain", config, '{"type": "identify", "userId": "u1"}')
    assert (run.code, "Email Address is required" in run.out) == (1, True)


@pytest.mark.parametrize("event", ["no-such-file.json", "{"])
def test_explain_needs_an_event(destinations: CommandLine, config: Path, event: str) -> None:
    """A missing file is wrong usage; what is no JSON is named."""
    assert destinations("explain", config, event).code == 2


def test_explain_takes_one_event(destinations: CommandLine, config: Path) -> None:
    """Of a file with many, it says how to take one."""
    events = config.with_name("e.ndjson")
    events.write_text('{"type": "track"}\n{"type": "page"}\n', "utf-8")
    run = destinations("explain", config, events)
    assert (run.code, "has several lines; give one: head -n 1 FILE" in run.err) == (2, True)


def test_schema_knows_the_installed_plugins(destinations: CommandLine) -> None:
    """Editors complete settings and actions of what is installed."""
    text = destinations("schema").out
    assert json.loads(text)["$schema"]
    assert "account_region" in text
    assert "createUpdatePerson" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(destinations: CommandLine, shell: str) -> None:
    """The script calls the program back."""
    assert "_DESTINATIONS_COMPLETE" in destinations("completion", shell).out


def test_send_dry_run_plans_and_sends_nothing(
    destinations: CommandLine, config: Path, tmp_path: Path
) -> None:
    """Everything up to the network runs; rejected events make the exit code 1."""
    failures = tmp_path / "failed.ndjson"
    events = b'{"type":"track","event":"A","userId":"u"}\n{"type":"identify","userId":"u"}\n'
    run = destinations(
        "send", config, "-", "--dry-run", "--json", "--failures", failures, stdin=events
    )
    report = run.json()
    assert run.code == 1
    assert (report["events"], report["outcomes"]) == (2, {"delivered": 1, "rejected": 1})
    (failed,) = [json.loads(line) for line in failures.read_bytes().splitlines()]
    assert failed["_delivery"]["subscription"] == "Create or Update Person"
    assert failed["userId"] == "u"


def test_send_names_files_that_are_not_there(destinations: CommandLine, config: Path) -> None:
    """Before anything is read or sent."""
    assert destinations("send", config, "nope.ndjson").code == 2


def test_explain_a_deletion(destinations: CommandLine, config: Path) -> None:
    """No subscription is asked about it; the request that forgets the user is shown."""
    run = destinations("explain", config, '{"type": "delete", "userId": "u/1"}')
    assert run.code == 0
    assert "DELETE https://track.customer.io/api/v1/customers/u%2F1\n" in run.out
    assert "1 of 1 destinations can forget users; nothing was sent" in run.out
    (one,) = destinations("explain", config, '{"type": "delete", "userId": "u"}', "--json").json()
    assert (one["destination"], one["action"], one["matched"]) == ("customerio", "on_delete", True)
    nobody = destinations("explain", config, '{"type": "delete"}')
    assert (nobody.code, "neither userId nor anonymousId" in nobody.err) == (2, True)


def test_demo(destinations: CommandLine) -> None:
    """It ends with what happened, what Customer.io would hold, and what to type next."""
    report = destinations("demo", "--json").json()
    assert report["events"] >= 2_000
    assert report["outcomes"]["delivered"] >= 2_000
    assert report["outcomes"]["rejected"] > 0
    assert report["holds"]["people"] > 0


def test_the_demo_ends_as_the_readme_shows(destinations: CommandLine) -> None:
    """At every run, but for the time that it took."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    transcript = readme.split("$ make demo\n")[2].split("```")[0].replace(".venv/bin/", "")
    ours = destinations("demo").out
    timeless = [
        [line for line in text.strip().splitlines() if " events per second, in " not in line]
        for text in (transcript, ours)
    ]
    assert timeless[0] == timeless[1]


def test_explain_an_event_that_makes_no_request(tmp_path: Path) -> None:
    """It is said: an empty line could be a mistake of the command."""
    module = bench.install(tmp_path)
    silent = bench.PLUGIN.replace('await ctx.http.post("/contacts", json=body)', "del body")
    module.write_text(silent)
    config = tmp_path / "c.json"
    settings = {"client_secret": "${env:CLIENT_SECRET}"}
    one = {"settings": settings, "subscriptions": [{"action": "upsert"}]}
    config.write_text(json.dumps({"destinations": {"every-thing": one}}), "utf-8")
    program = Path(sys.executable).with_name("destinations")  # elsewhere the module is loaded
    done = subprocess.run(
        [program, "explain", config, '{"type": "identify", "userId": "u1"}'],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "CLIENT_SECRET": "s"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "  no request would be sent\n" in done.stdout


@pytest.mark.parametrize("kind", ["track", "delete"])
def test_explain_obeys_integrations(destinations: CommandLine, config: Path, kind: str) -> None:
    """What `serve` and `run` would not send is not shown as sent: text, JSON and exit code."""
    event = {"type": kind, "event": "A", "userId": "u1", "integrations": {"All": False}}
    run = destinations("explain", config, json.dumps(event))
    assert run.code == 1
    assert "  not sent: `integrations` excludes customerio\n" in run.out
    assert "https://" not in run.out
    assert ", `integrations` excludes that; nothing was sent" in run.out
    first = destinations("explain", config, json.dumps(event), "--json").json()[0]
    assert (first["matched"], "requests" in first) == (True, False)
    assert first["excluded"] == "`integrations` excludes customerio"
    event["integrations"]["Customer.io"] = {}
    assert "https://" in destinations("explain", config, json.dumps(event)).out


def test_explain_reads_gzip(destinations: CommandLine, config: Path) -> None:
    """As `send` does; what is damaged is told."""
    event = config.with_name("one.json.gz")
    packed = gzip.compress(b'{"type": "track", "event": "A", "userId": "u"}')
    event.write_bytes(packed)
    assert destinations("explain", config, event).code == 0
    event.write_bytes(packed[:-9])
    run = destinations("explain", config, event)
    assert (run.code, "gzip stream is damaged" in run.err) == (2, True)


def test_explain_says_what_serve_would_discard(destinations: CommandLine, config: Path) -> None:
    """`send` and `run` would take it: the plan is shown, too."""
    run = destinations("explain", config, '{"type": "track", "event": "A"}')
    assert "1 of 3 subscriptions match" in run.out
    said = "`serve` would discard it: event has neither userId nor anonymousId (no_user_anon_id)\n"
    assert said in run.out
    first = destinations("explain", config, '{"type": "track", "event": "A"}', "--json").json()[0]
    assert first["serve_discards"].endswith("(no_user_anon_id)")
    good = '{"type": "track", "event": "A", "userId": "u"}'
    assert "discard" not in destinations("explain", config, good).out


def test_tail_says_what_it_does_not_show(destinations: CommandLine) -> None:
    """Who waits for an event that nobody gets must not wait for ever; each word leads on."""
    said = " ".join(destinations("tail", "--help").out.split())
    for word in ("no subscription wants", "`integrations` exclude", "`explain`", "discarded"):
        assert word in said
