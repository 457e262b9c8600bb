"""Writing single values into a configuration: everything else stays as a person wrote it."""

import json
from pathlib import Path

import pytest

import destination_core as dc
from destination_core.connection.editing import Editor, name_of

WRITTEN = f"""\
# ours
destinations:
    crm:          # four blanks
        plugin: 'outreach'
        audiences:
            vips:
                name: "VIPs"   # the good ones
        subscriptions:
            - preset: One

            - name: Two   # second
              action: syncMember
              trigger: type = "track" and event = "{"a name so long " * 7}"
"""


def test_yaml_keeps_comments_quotes_order_and_indentation(tmp_path: Path) -> None:
    """Only what is set is new; the rest is the same, byte for byte."""
    path = tmp_path / "crm.yaml"
    path.write_text(WRITTEN)
    path.chmod(0o640)
    editor = Editor(path)
    editor.set(("destinations", "crm", "audiences", "vips", "external_id"), "77")
    place = ("destinations", "crm", "subscriptions", 1, "on_mapping_save", "outputs")
    editor.set(place, {"list_id": "5"})
    text = path.read_text()
    added = [line for line in text.splitlines() if line not in WRITTEN.splitlines()]
    kept = [line for line in text.splitlines() if line in WRITTEN.splitlines()]
    assert kept == WRITTEN.splitlines()
    assert [line.strip() for line in added] == [
        "external_id: '77'",
        "on_mapping_save:",
        "outputs:",
        "list_id: '5'",
    ]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_written_as_json(tmp_path: Path) -> None:
    """Objects on the way that are not there are made; letters stay letters."""
    path = tmp_path / "crm.json"
    path.write_text(json.dumps({"destinations": {"crm": {"audiences": {"vips": None}}}}))
    Editor(path).set(("destinations", "crm", "audiences", "vips", "external_id"), "é")
    assert json.loads(path.read_text()) == {
        "destinations": {"crm": {"audiences": {"vips": {"external_id": "é"}}}}
    }
    assert "é" in path.read_text("utf-8")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that it leads to is written, not a copy beside it."""
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("destinations: {}\n")
    link.symlink_to(real)
    Editor(link).set(("destinations", "a"), 1)
    assert link.is_symlink()
    assert "a: 1" in real.read_text()


def test_toml_is_refused(tmp_path: Path) -> None:
    """Nothing writes TOML and keeps its comments: one hears of it before anything is made."""
    path = tmp_path / "crm.toml"
    path.write_text("[destinations]\n")
    with pytest.raises(dc.ConfigurationError, match="only YAML and JSON"):
        Editor(path)


def test_subscriptions_are_known_by_name_preset_or_action(tmp_path: Path) -> None:
    """In this order, as when the configuration is loaded."""
    path = tmp_path / "crm.yaml"
    path.write_text(WRITTEN)
    assert [name_of(one) for one in Editor(path).subscriptions("crm")] == ["One", "Two"]
    assert name_of({"partnerAction": "send"}) == "send"
    assert name_of({}) == ""
