"""The tutorial, followed by somebody who does exactly what it says."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.packaging.environment import ROOT, Environment
from tests.packaging.tutorial import Reader, blocks

PAGE = ROOT / "docs" / "writing-a-plugin.md"


@pytest.mark.timeout(900)
def test_every_block_and_command_of_the_tutorial_works(
    environment: Environment, tmp_path: Path
) -> None:
    """Files are written, commands succeed and print what the page shows, in its order."""
    folder = tmp_path / "work"
    folder.mkdir()
    reader = Reader(environment, folder)
    reader.follow(PAGE.read_text("utf-8"))
    assert len(reader.commands) > 30
    assert reader.folder == folder / "destination-acme"
    listed = environment.must("destinations", "plugins")
    assert "upsertContact, trackEvent, logPurchase" in listed


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```python\nx = 1\n```\n", "line 1: a block of python that no test runs"),
        ("<!-- part of: a.py -->\n```python\nx = 1\n```\n", "a.py is not like this"),
        ("```console\n$ false\n```\n", "line 1: false"),
        ("```console\n$ echo a\nb\n```\n", "wanted 'b', got 'a'"),
        ("```console\n$ echo a; echo b\na\n```\n", "there is more"),
        ("```console\n$ echo a\n...\nb\n```\n", "no line 'b'"),
    ],
    ids=["block", "part", "status", "line", "more", "gap"],
)  # fmt: skip
def test_a_page_that_is_wrong_is_found(page: str, said: str, tmp_path: Path) -> None:
    """The test above can fail."""
    bare = SimpleNamespace(home=tmp_path, variables={"PATH": "/usr/bin:/bin"})
    (tmp_path / "a.py").write_text("y = 2\n")
    with pytest.raises(AssertionError, match=said):
        Reader(bare, tmp_path).follow(page)  # type: ignore[arg-type]


def test_no_block_is_passed_over() -> None:
    """As many blocks are read as the page opens."""
    text = PAGE.read_text("utf-8")
    assert len(list(blocks(text))) == sum(line.startswith("```") for line in text.splitlines()) / 2
