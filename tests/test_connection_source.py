"""Configuration files as text: three formats, plain data, and the place of every key."""

import traceback
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.connection.source import LARGEST, Source, read

DATA = {"a": {"b c": 1, "list": [{"x": True}, {"x": "2020-01-01", "y": [1.5]}]}, "z": "é"}
YAML = """\
a:
  b c: 1
  list:
    - x: true
    - {x: 2020-01-01, y: [1.5]}
z: é
"""
TOML = """\
z = "é"  # [[not.a.table]]
[a]
"b c" = 1
[[a.list]]
x = true
[[a.list]]
  x = "2020-01-01"
  y = [1.5]
"""
JSON = """\
{"a": {
  "b c": 1,
\t"list": [{"x": true},
    {"x": "2020-01-01", "y": [1.5]}]},
 "z": "é"}
"""


def source(tmp_path: Path, suffix: str, content: str | bytes) -> Source:
    """Write a file and read it."""
    path = tmp_path / f"c{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path)


@pytest.mark.parametrize(
    ("suffix", "text", "places"),
    [
        (".yaml", YAML, {("a",): "1:1", ("a", "b c"): "2:3", ("a", "list", 1, "y"): "5:23",
                         ("z",): "6:1"}),
        (".toml", TOML, {("a",): "2:1", ("a", "b c"): "3:1", ("a", "list", 1, "y"): "8:3",
                         ("z",): "1:1"}),
        (".json", JSON, {("a",): "1:2", ("a", "b c"): "2:3", ("a", "list", 1, "y"): "4:25",
                         ("z",): "5:2"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_each_format_gives_data_and_places(
    tmp_path: Path, suffix: str, text: str, places: dict[Any, str], mark: str
) -> None:
    """The same plain data from each, whatever the byte order mark, and where each key stands."""
    found = source(tmp_path, suffix.upper(), mark + text)
    assert found.data == DATA
    assert type(found.data["a"]["list"]) is list
    prefix = f"{tmp_path}/c{suffix.upper()}:"
    assert {key: found.place(key).removeprefix(prefix) for key in places} == places


def test_what_is_not_there_stands_where_its_parent_does(tmp_path: Path) -> None:
    """The nearest known key above it; for the whole file, its name."""
    found = source(tmp_path, ".yaml", YAML)
    assert found.place(("a", "list", 1, "nope", 5)).endswith("c.yaml:5:7")
    assert found.place(("nope",)).endswith("c.yaml")


@pytest.mark.parametrize(
    ("suffix", "content", "said"),
    [
        (".yaml", "a: [", "c.yaml:1:5: not YAML: "),
        (".yaml", "a: 1\nb: 2\na: 3", "c.yaml:3:1: not YAML: "),
        (".yaml", "a: *nowhere", "c.yaml:1:4: not YAML: "),
        (".yaml", "a: \x01", "not YAML: "),
        (".json", '{\n "a": }', "c.json:2:7: not JSON: "),
        (
            ".yaml",
            "a: !!python/object/apply:os.system [x]",
            "c.yaml:1:4: not YAML: tag !!python/ob",
        ),
        (".yaml", "a:\n  - !mine {b: 1}", "c.yaml:2:5: not YAML: tag !mine is unknown here"),
        (".yaml", "? [a]\n: 1", "c.yaml:1:3: not YAML: a name must be a text"),
        (".yaml", "a: {1: x}", "c.yaml:1:5: not YAML: a name must be a text"),
        (".yaml", "a: &a {b: *a}", "or an alias is inside of its own anchor"),
        (".yaml", "a: &a {<<: *a}", "or an alias is inside of its own anchor"),
        (".yaml", "a: {<<: 5}", "c.yaml:1:9: not YAML: `<<` takes a mapping"),
        (".json", '{"b": {"a": 1,\n"a": 2}}', "c.json:2:1: not JSON: key 'a' is there twice"),
        (".json", "[" * 100_000, "c.json: is nested too deeply"),
        (".json", "[" * 300 + "]" * 300, "c.json: is nested too deeply: more than 200 levels"),
        (".toml", "a" + ".a" * 300 + " = 1", "c.toml: is nested too deeply: more than 200 levels"),
        (".toml", "a = 1\na = 2\n", "c.toml"),
        (".toml", "x\n", "c.toml:1:2: not TOML: "),
        (".ini", "", "must end in .yaml, .yml, .toml, .json, got '.ini'"),
        ("", "", "got 'nothing'"),
        (".yaml", b"a: \xff", "c.yaml: is not UTF-8 at byte 3"),
        (".json", b" " * (LARGEST + 1), "is larger than 10,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, suffix: str, content: str | bytes, said: str
) -> None:
    """One line with the file, the place where there is one, and the parser's reason."""
    with pytest.raises(dc.ConfigurationError) as caught:
        source(tmp_path, suffix, content)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's reason."""
    with pytest.raises(dc.ConfigurationError, match=r"c\.yaml: cannot be read: No such file"):
        read(tmp_path / "c.yaml")


def test_keys_are_merged_in(tmp_path: Path) -> None:
    """Own keys go before merged ones, the first before the second; each stands where it is."""
    found = source(
        tmp_path,
        ".yaml",
        """\
a: &a {x: 1, y: {z: 2}}
b: &b {<<: *a, v: 3, x: 4}
c:
  w: 5
  <<: [*b, {v: 6, u: 7}]
""",
    )
    assert found.data == {
        "a": {"x": 1, "y": {"z": 2}},
        "b": {"v": 3, "x": 4, "y": {"z": 2}},
        "c": {"w": 5, "v": 3, "x": 4, "y": {"z": 2}, "u": 7},
    }
    places = {("c", "w"): "4:3", ("c", "x"): "2:22", ("c", "y", "z"): "1:18", ("c", "u"): "5:19"}
    assert {key: found.place(key).partition(":")[2] for key in places} == places


@pytest.mark.parametrize("member", ["[{}]", "{{<<: [{}]}}"], ids=["lists", "merged"])
def test_aliases_of_aliases_are_bounded(tmp_path: Path, member: str) -> None:
    """Ten levels of ten would be ten thousand million values; ten merges of one key are one."""
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 11):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {member.format(aliases)}")
    if member.startswith("["):
        with pytest.raises(dc.ConfigurationError, match="aliases unfold to more than 200,000 valu"):
            source(tmp_path, ".yaml", "\n".join(lines))
    else:
        assert source(tmp_path, ".yaml", "\n".join(lines)).data["a10"] == {"x": 1}


def test_an_anchor_may_be_used_again(tmp_path: Path) -> None:
    """YAML 1.2 lets it: the last one counts, and nothing is said on standard error."""
    path = tmp_path / "c.yaml"
    path.write_text("a: &n 1\nb: &n 2\nc: *n\n", "utf-8")
    assert read(path).data == {"a": 1, "b": 2, "c": 2}


@pytest.mark.parametrize(
    ("suffix", "text", "said"),
    [
        (".json", '{"k": "hunter2",\n"k": "hunter3"}', "2:1: not JSON: key 'k' is there twice"),
        (".yaml", "&n k: hunter2\n*n : hunter3\n", "1:1: not YAML: key 'k' is there twice"),
        (
            ".yaml",
            "k: hunter2\nk: hunter3",
            "2:1: not YAML: key 'k' is there twice, first in line 1",
        ),
        (".yaml", "k: !!int hunter2", "1:4: not YAML: the value is not what !!int says"),
        (".yaml", "k: !!bool hunter2", "1:4: not YAML: the value is not what !!bool says"),
        (".yaml", "k: 'hunter2\nb: 1", "2:5: not YAML: "),
    ],
)
def test_no_value_is_shown_in_a_mistake(tmp_path: Path, suffix: str, text: str, said: str) -> None:
    """It may be a secret: key and places say enough, also where the traceback is shown."""
    with pytest.raises(dc.ConfigurationError) as caught:
        source(tmp_path, suffix, text)
    shown = "".join(traceback.format_exception(caught.value))
    assert f"c{suffix}:{said}" in shown
    assert "hunter" not in shown
