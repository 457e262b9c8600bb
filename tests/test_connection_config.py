"""Whole configurations: everything that is wrong at once, unknown keys at each level, presets."""

from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.connection import InvalidConfiguration, load_connections
from tests import acme

SECRET = "se-cr-et-value"


class Presets:
    """Acme with a preset."""

    @staticmethod
    @dc.hookimpl
    def register_destination() -> dc.Destination[acme.Settings]:
        return dc.Destination(
            "acme",
            title="Acme",
            settings=acme.Settings,
            actions=[acme.upsert_contact],
            presets=[dc.Preset("Contacts", action="upsertContact", subscribe='type = "identify"')],
        )


START = """\
destinations:
  crm:
    plugin: acme
    settings:
      api_key: ${env:KEY}
    subscriptions:
"""


def load(tmp_path: Path, text: str) -> list[dc.Connection[Any]]:
    """Load a configuration for Acme."""
    path = tmp_path / "c.yaml"
    path.write_text(text, "utf-8")
    return load_connections(path, dc.Registry.of(Presets), {"KEY": SECRET})


def mistakes(tmp_path: Path, text: str) -> list[str]:
    """Return the mistakes of a configuration; none of them shows the secret."""
    with pytest.raises(InvalidConfiguration) as caught:
        load(tmp_path, text)
    assert SECRET not in str(caught.value) + repr(caught.value)
    return [one.removeprefix(f"{tmp_path}/") for one in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("destination: {}", "c.yaml:1:1: unknown key 'destination'; did you mean 'destinations'?"),
        (
            START.replace("settings:", "setings:"),
            "c.yaml:4:5: unknown key 'setings'; did you mean 'settings'?",
        ),
        (
            START + "      - acton: x",
            "c.yaml:7:9: unknown key 'acton'; did you mean 'action'?",
        ),
        (
            START.replace("plugin: acme", "plugin: acme\n    delivery: {retry_windw: 1}"),
            "c.yaml:4:16: unknown key 'retry_windw'; did you mean 'retry_window'?",
        ),
    ],
)
def test_an_unknown_key_is_refused_at_every_level(tmp_path: Path, text: str, mistake: str) -> None:
    """With file, line, column and the nearest key that is known there."""
    assert mistake in mistakes(tmp_path, text)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """Settings, subscriptions and other destinations: each on a line of its own, in order."""
    found = mistakes(
        tmp_path,
        START.replace("KEY", "NOPE")
        + """\
      - preset: Contcts
      - {action: upsertContact, trigger: "type ="}
      - {name: a, preset: Contacts}
      - {name: a, preset: Contacts}
      - {action: upsertContact, mapping: {id: {"@path": 1}}}
  other:
    plugin: acmee
""",
    )
    assert [one.split(":")[1] for one in found if one.startswith("c.yaml:")] == [
        "5", "7", "8", "10", "11", "13",
    ]  # fmt: skip
    for said, one in zip(
        [
            "environment variable 'NOPE' is not set",
            "did you mean 'Contacts'?",
            "trigger cannot be read",
            "subscription 'a' is there twice",
            "/id/@path should be a string",
            "destination 'acmee' is not installed",
        ],
        found,
        strict=True,
    ):
        assert said in one


def test_mistakes_of_form_hide_no_others(tmp_path: Path) -> None:
    """Unknown keys and wrong types are told with what is wrong elsewhere, in the file's order."""
    found = mistakes(
        tmp_path,
        START
        + """\
      - {acton: upsertContact}
      - preset: Contcts
    delivery: {retry_windw: 1}
  second:
    plugin: acme
    setings: {api_key: "${env:KEY}"}
  third:
    plugin: acmee
    subscriptions: 5
queue: 7
""",
    )
    for said, one in zip(
        [
            "c.yaml:7:10: unknown key 'acton'",
            "c.yaml:8:9: preset 'Contcts' is unknown",
            "c.yaml:9:16: unknown key 'retry_windw'",
            "c.yaml:12:5: unknown key 'setings'",
            "c.yaml:14:5: destination 'acmee' is not installed",
            "c.yaml:15:5: 'subscriptions' must be a list",
            "c.yaml:16:1: 'queue' must be a mapping",
        ],
        found,
        strict=True,
    ):
        assert said in one, found


def test_what_a_subscription_says_replaces_its_presets(tmp_path: Path) -> None:
    """Name, trigger and mapping; what is left out stays the preset's."""
    (one,) = load(
        tmp_path,
        START
        + """\
      - preset: Contacts
      - {preset: Contacts, name: mine, trigger: type = "track", mapping: {id: "1"}}
""",
    )
    first, second = one.subscriptions
    assert (first.name, first.trigger.render()) == ("Contacts", 'type = "identify"')
    assert first.mapping.source == acme.upsert_contact.schema.default_mapping
    assert (second.name, second.trigger.render()) == ("mine", 'type = "track"')
    assert second.mapping.source == {"id": "1"}


def test_fifty_subscriptions_are_the_most(tmp_path: Path) -> None:
    """Segment's limit, and one more is refused at its list."""
    lines = [f"      - {{preset: Contacts, name: s{n}}}\n" for n in range(51)]
    (one,) = load(tmp_path, START + "".join(lines[:50]))
    assert len(one.subscriptions) == 50
    (mistake,) = mistakes(tmp_path, START + "".join(lines))
    assert mistake == "c.yaml:6:5: 'subscriptions' must have at most 50 items, got 51"


def test_a_secret_shows_nowhere(tmp_path: Path) -> None:
    """Not in the connection, its settings or its options, and not where it is a wrong value."""
    (one,) = load(tmp_path, START + "      - preset: Contacts\n")
    shown = [one, one.settings, one.options, one.subscriptions, vars(one.settings)]
    assert SECRET not in "".join(f"{part!r}{part!s}" for part in shown)
    wrong = START.replace("api_key:", "region: ${env:KEY}\n      api_key:")
    assert mistakes(tmp_path, wrong + "      - preset: Contacts\n")


def test_networks_that_are_not_public_are_allowed_by_the_operator(tmp_path: Path) -> None:
    """As the file says, for this destination; none by default."""
    text = START + "      - preset: Contacts\n"
    (one,) = load(tmp_path, text)
    assert one.options.allowed_networks == ()
    (one,) = load(tmp_path, f"{text}    allowed_networks: [10.1.0.0/16, 'fd00::/8']\n")
    assert one.options.allowed_networks == ("10.1.0.0/16", "fd00::/8")
