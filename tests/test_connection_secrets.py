"""References to secrets: where they lead, what is said of those that lead nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

import destination_core as dc
from destination_core.connection import load_connections
from destination_core.connection.secrets import (
    LARGEST,
    Resolver,
    concealed,
    has_reference,
    is_reference,
    unreferenced,
)
from destination_core.schema import fields_of

ENVIRONMENT = {"KEY": "se-cr-et", "EMPTY": "", "TRICKY": "${env:KEY}"}


def resolved(value: Any, folder: Path) -> tuple[Any, list[tuple[tuple[str | int, ...], str]]]:
    """Resolve a value; also return the faults."""
    resolver = Resolver(ENVIRONMENT, folder)
    return resolver.resolve(value, ("here",)), resolver.faults


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${env:KEY}", "se-cr-et"),
        ("${ env:KEY }", None),
        ("${env: KEY }", "se-cr-et"),
        ("a ${env:KEY}-${env:KEY}", "a se-cr-et-se-cr-et"),
        ("${env:TRICKY}", "${env:KEY}"),
        ("$KEY {env:KEY} $${", "$KEY {env:KEY} $${"),
        ({"a": ["${env:KEY}", 1, None]}, {"a": ["se-cr-et", 1, None]}),
        (7, 7),
    ],
)
def test_a_reference_is_replaced(tmp_path: Path, value: Any, result: Any) -> None:
    """In any text at any depth, once: what comes out is not searched again."""
    found, faults = resolved(value, tmp_path)
    if result is None:
        assert "is no reference" in faults[0][1]
    else:
        assert (found, faults) == (result, [])


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"x", "x"),
        (b"x\n", "x"),
        (b"x\r\n", "x"),
        (b"x\n\n", "x\n"),
        (b" x ", " x "),
        ("é".encode(), "é"),
    ],
)
def test_one_line_end_of_a_file_is_dropped(tmp_path: Path, content: bytes, secret: str) -> None:
    """Editors add one; whatever else is in the file belongs to the secret."""
    (tmp_path / "key").write_bytes(content)
    assert resolved("${file:key}", tmp_path) == (secret, [])
    assert resolved(f"${{file:{tmp_path / 'key'}}}", Path("elsewhere")) == (secret, [])


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("${env:NOPE}", "environment variable 'NOPE' is not set"),
        ("${env:EMPTY}", "environment variable 'EMPTY' is empty"),
        ("${env:}", "there is no name in ${env:}"),
        ("${file: }", "there is no path in ${file: }"),
        ("${KEY}", "${KEY} is no reference; write ${env:NAME}"),
        ("${vault:KEY}", "${vault:KEY} is no reference; write ${env:NAME}"),
        ("${file:nope}", "file 'nope' cannot be read: No such file or directory"),
        ("${file:.}", "file '.' cannot be read: Is a directory"),
        ("${file:binary}", "file 'binary' is not UTF-8"),
        ("${file:large}", "file 'large' is larger than 65,536 bytes"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(tmp_path: Path, value: str, fault: str) -> None:
    """With the place of its setting, and never with a secret beside it."""
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x" * (LARGEST + 1))
    _, faults = resolved({"fine": "${env:KEY}", "list": ["", f"${{env:KEY}}{value}"]}, tmp_path)
    assert faults == [(("here", "list", 1), fault)]


def test_every_missing_reference_is_named(tmp_path: Path) -> None:
    """Also two within one text."""
    _, faults = resolved(["${env:A}${env:B}", "${file:c}"], tmp_path)
    assert [message.split("'")[1] for _, message in faults] == ["A", "B", "c"]


@pytest.mark.parametrize(
    ("value", "found"),
    [("${env:X}", True), ("a${b}", True), ("$X", False), ("", False), (1, False), (None, False)],
)
def test_a_reference_is_recognised(value: Any, found: bool) -> None:
    """By its form alone, and also inside lists and objects."""
    assert is_reference(value) is found
    assert has_reference({"a": [0, {"b": value}]}) is found


class Proxy(BaseModel):
    host: str
    password: SecretStr


class Deep(dc.Settings):
    headers: dict[str, SecretStr]
    keys: list[SecretStr]
    proxy: Proxy


class DeepPlugin:
    @dc.hookimpl
    def register_destination(self) -> dc.Destination[Deep]:
        return dc.Destination("deep", title="Deep", settings=Deep, actions=[])


def test_secrets_are_found_wherever_settings_hold_them() -> None:
    """Those in objects, lists and models within the settings are blanked out like the others."""
    given = {
        "headers": {"Authorization": "in-an-object"},
        "keys": ["in-a-list"],
        "proxy": {"host": "not-secret", "password": "in-a-model"},
    }
    opened = dc.Connection("d", dc.Registry.of(DeepPlugin()).relay("deep"), settings=given)
    assert opened.secrets == {"in-an-object", "in-a-list", "in-a-model"}


def test_secrets_must_be_references_wherever_settings_hold_them() -> None:
    """Within an object of secrets a reference may have words beside it; nothing is no secret."""
    given = {
        "headers": {"A": "plain", "B": "Bearer ${env:B}", "C": 5, "D": None},
        "keys": ["${env:K}", "plain"],
        "proxy": {"host": "plain", "password": "plain"},
    }
    found = list(unreferenced(fields_of(Deep), given, ("settings",)))
    assert found == [
        ("settings", "headers", "A"),
        ("settings", "headers", "C"),
        ("settings", "keys", 1),
        ("settings", "proxy", "password"),
    ]
    assert list(unreferenced(fields_of(Deep), {"keys": None}, ())) == []


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ("us-east", set()),
        ("12345678", {"12345678"}),
        (
            "https://user:password@hooks.test/services/T0/B0?key=0123456789&v=2",
            {"user:password", "/services/T0/B0", "0123456789"},
        ),
        ("https://hooks.test/", set()),
        ("https://[hooks/services/T0", set()),
    ],
)
def test_what_a_reference_stands_for_is_concealed(given: str, hidden: set[str]) -> None:
    """From eight characters on; of a URL also what is shown of it without its host."""
    assert concealed([given]) - {given} == hidden - {given}
    assert (given in concealed([given])) is (len(given) >= 8)


class Hook(dc.Settings):
    url: str
    headers: dict[str, SecretStr]


class HookPlugin:
    @dc.hookimpl
    def register_destination(self) -> dc.Destination[Hook]:
        return dc.Destination("hook", title="Hook", settings=Hook, actions=[])

    @dc.hookimpl
    def validate_settings(self, settings: Hook) -> None:
        if settings.url.startswith("ftp"):
            raise dc.InvalidSettings(f"url {settings.url!r} must begin with https://")


def hook(tmp_path: Path, url: str) -> list[dc.Connection[Any]]:
    """Open a connection whose URL has a token in it."""
    settings = {"url": url, "headers": {"Authorization": "Bearer ${file:bearer}"}}
    (tmp_path / "bearer").write_text("bearer-token")
    (tmp_path / "c.json").write_text(json.dumps({"destinations": {"hook": {"settings": settings}}}))
    registry = dc.Registry.of(HookPlugin())
    return load_connections(tmp_path / "c.json", registry, {"TOK": "token-in-a-url"})


def test_a_secret_in_a_setting_that_is_none_is_blanked_out(tmp_path: Path) -> None:
    """And so is one that has words beside it, by itself; a plugin's own check may quote it."""
    (opened,) = hook(tmp_path, "http://hooks.test/${env:TOK}?a=${env:TOK}")
    assert opened.settings.url == "http://hooks.test/token-in-a-url?a=token-in-a-url"
    assert opened.secrets == {"token-in-a-url", "bearer-token", "Bearer bearer-token"}
    with pytest.raises(dc.ConfigurationError, match=r"url 'ftp://\[redacted\]' must") as caught:
        hook(tmp_path, "ftp://${env:TOK}")
    assert "token-in" not in repr(caught.value)
