"""Connections and configuration files: formats, places of mistakes, secrets."""

import json
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.connection import InvalidConfiguration, config_schema, load_connections
from tests import acme

TOKEN = "tok-5eCret-value"
ENVIRONMENT = {"ACME_KEY": TOKEN}
REGISTRY = dc.Registry.of(acme)

YAML = """\
destinations:
  crm:
    plugin: acme
    settings:
      api_key: "${env:ACME_KEY}"
    subscriptions:
      - action: upsertContact
"""
TOML = """\
[destinations.crm]
plugin = "acme"
settings = {api_key = "${env:ACME_KEY}"}
[[destinations.crm.subscriptions]]
action = "upsertContact"
"""
JSON = json.dumps(
    {
        "destinations": {
            "crm": {
                "plugin": "acme",
                "settings": {"api_key": "${env:ACME_KEY}"},
                "subscriptions": [{"action": "upsertContact"}],
            }
        }
    }
)


def loaded(tmp_path: Path, text: str, name: str = "config.yaml") -> list[dc.Connection[Any]]:
    """Write a configuration and load it."""
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return load_connections(path, REGISTRY, ENVIRONMENT)


def problems(tmp_path: Path, text: str, name: str = "config.yaml") -> list[str]:
    """Return what is wrong with a configuration; no secret may be in it."""
    with pytest.raises(dc.ConfigurationError) as caught:
        loaded(tmp_path, text, name)
    assert TOKEN not in str(caught.value)
    found = caught.value.problems if isinstance(caught.value, InvalidConfiguration) else ()
    return [one.removeprefix(str(tmp_path) + "/") for one in found] or [str(caught.value)]


@pytest.mark.parametrize(
    ("name", "text"), [("c.yaml", YAML), ("c.yml", YAML), ("c.toml", TOML), ("c.json", JSON)]
)
def test_three_formats_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    """YAML, TOML and JSON open the same connection, with the action's default mapping."""
    (one,) = loaded(tmp_path, text, name)
    assert one.settings.api_key.get_secret_value() == TOKEN
    (subscription,) = one.subscriptions
    assert subscription.mapping.source["id"] == acme.upsert_contact.schema.default_mapping["id"]
    assert TOKEN not in repr(one) + repr(one.settings) + repr(one.options)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("plugin: acme", "plugin: acne", "config.yaml:3:5: destination 'acne' is not installed"),
        ("plugin: acme", "plugn: acme", "config.yaml:3:5: unknown key 'plugn'; did you mean"),
        ("${env:ACME_KEY}", "${env:NOPE}", "config.yaml:5:7: "),
        ("${env:ACME_KEY}", "${file:nope}", "config.yaml:5:7: "),
        ('"${env:ACME_KEY}"', TOKEN, "config.yaml:5:7: 'api_key' is a secret"),
        ("api_key:", "region: moon\n      api_key:", "config.yaml:5:7: "),
        ("upsertContact", "upsertContcat", "did you mean 'upsertContact'?"),
        ("- action: upsertContact", "- {}", "needs `preset`, or `action` with `trigger`"),
        ("upsertContact", "upsertContact\n        trigger: 'type ='", "config.yaml:7:9: "),
        ("upsertContact", "upsertContact\n        mapping: {id: {'@path': 1}}", "/id/@path"),
        ("upsertContact", "upsertContact\n        mapping: 7", "config.yaml:8:9: 'mapping'"),
        ("upsertContact", "upsertContact\n        trigger: ''", "config.yaml:7:9: subscription 'u"),
        ("upsertContact", "upsertContact\n        trigger: ''", "trigger is empty; write for exa"),
        (
            "upsertContact",
            "upsertContact\n        partnerAction: upsertContact",
            "subscription has 'action' and 'partnerAction', which is Segment's; write one of the",
        ),
        (
            "upsertContact",
            "upsertContact\n        settings: {}",
            "'action' and 'settings', which is Segment's; write one of the two, or `mapping`",
        ),
        ("action: upsertContact", "{preset: a, actionSlug: b}", "has 'preset' and 'actionSlug'"),
        (
            "- action: upsertContact",
            "- action: upsertContact\n      - action: upsertContact",
            "config.yaml:8:9: subscription 'upsertContact' is there twice",
        ),
    ],
)
def test_a_mistake_has_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """File, line and column, and what to do."""
    assert YAML.count(old) == 1
    found = problems(tmp_path, YAML.replace(old, new))
    assert any(problem in one for one in found), found


def test_no_mistake_hides_another(tmp_path: Path) -> None:
    """A reference that leads nowhere, an unknown setting and a trigger are all told, once each."""
    text = YAML.replace("${env:ACME_KEY}", "${env:NOPE}").replace(
        "api_key:", "regon: us\n      api_key:"
    )
    found = problems(tmp_path, text.replace("upsertContact", "upsertContact\n        trigger: x"))
    assert [one.partition(": ")[0] for one in found] == [
        "config.yaml:5:7",
        "config.yaml:6:7",
        "config.yaml:8:9",
    ]
    assert "did you mean 'region'?" in found[0]


def test_a_trigger_does_not_hide_the_mapping_beside_it(tmp_path: Path) -> None:
    """Each has its line."""
    wrong = "upsertContact\n        trigger: x\n        mapping: {id: {'@pth': $.userId}}"
    found = problems(tmp_path, YAML.replace("upsertContact", wrong))
    assert [one.partition(": ")[0] for one in found] == ["config.yaml:7:9", "config.yaml:9:9"]
    assert "@pth" in found[1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.yaml", "destinations: ["),
        ("c.yaml", "a: 1\na: 2"),
        ("c.toml", "destinations = "),
        ("c.json", '{"destinations": '),
        ("c.json", "[]"),
        ("c.yaml", ""),
        ("c.ini", "x"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    """The parser's own words, with the file's name."""
    assert any(name in one for one in problems(tmp_path, text, name))


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    """Relative to the configuration; one line end is dropped."""
    (tmp_path / "key").write_text(f"{TOKEN}\n", "utf-8")
    (one,) = loaded(tmp_path, YAML.replace("${env:ACME_KEY}", "${file:key}"))
    assert one.settings.api_key.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    "shape",
    [
        "{partnerAction: upsertContact, subscribe: type = 'identify', mapping: MAPPING}",
        "{name: x, actionSlug: upsertContact, trigger: type = 'identify', settings: MAPPING}",
    ],
)
def test_segments_shapes_are_accepted(tmp_path: Path, shape: str) -> None:
    """The runtime's and the Public API's, as they are."""
    shape = shape.replace("MAPPING", '{id: {"@path": $.userId}}')
    (one,) = loaded(tmp_path, YAML.replace("- action: upsertContact", f"- {shape}"))
    (subscription,) = one.subscriptions
    assert subscription.mapping.source == {"id": {"@path": "$.userId"}}
    assert subscription.trigger.render() == 'type = "identify"'


def test_settings_are_shared_by_merging(tmp_path: Path) -> None:
    """What a merge key brings in counts like what stands there; a mistake is at its anchor."""
    shared = (
        YAML.replace("settings:", "settings: &shared")
        + """\
  second:
    plugin: acme
    settings: {<<: *shared, region: eu}
"""
    )
    first, second = loaded(tmp_path, shared)
    assert second.settings.api_key == first.settings.api_key
    assert (first.settings.region, second.settings.region) == ("us", "eu")
    found = problems(tmp_path, shared.replace("ACME_KEY", "NOPE"))
    assert [one.partition(": ")[0] for one in found] == ["config.yaml:5:7"] * 2


def test_what_is_disabled_is_left_out(tmp_path: Path) -> None:
    """A disabled destination is not opened, a disabled subscription not compiled."""
    off = YAML.replace("plugin: acme", "plugin: acme\n    enabled: false")
    assert loaded(tmp_path, off) == []
    (one,) = loaded(
        tmp_path, YAML.replace("upsertContact", "upsertContact\n        enabled: false")
    )
    assert one.subscriptions == ()


def test_the_schema_of_a_configuration() -> None:
    """It knows settings, actions and fields of what is installed."""
    schema = json.dumps(config_schema(REGISTRY))
    for part in ("acme", "api_key", "upsertContact", "subscriptions"):
        assert part in schema


def test_a_connection_narrowed_to_one_subscription() -> None:
    """What `send` does with a failed event: only where it failed."""
    relay = REGISTRY.relay("acme")
    chosen = [dc.Subscription(name, "upsertContact", 'type = "identify"') for name in "ab"]
    one: dc.Connection[Any] = dc.Connection(
        "crm", relay, settings={"api_key": TOKEN}, subscriptions=chosen
    )
    event = {"type": "identify"}
    assert [found.name for found in one.matching(event)] == ["a", "b"]
    assert [found.name for found in one.narrowed("b").matching(event)] == ["b"]
    assert [found.name for found in one.narrowed("c").matching(event)] == []
