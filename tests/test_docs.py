"""The pages: links lead somewhere, Python is Python, nothing that exists is left out."""

import ast
import re
import textwrap
from pathlib import Path

import click
import pytest

import destination_core as dc
from destination_core import hookspecs
from destination_core.cli.main import COMMANDS, group

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link is a file or a folder of the repository."""
    broken = [
        one for one in LINK.findall(page.read_text("utf-8")) if not (page.parent / one).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_on_pages_can_be_parsed(page: Path) -> None:
    """A block of Python is Python (top-level `await` included), and more than a comment."""
    faults = []
    for block in PYTHON.findall(page.read_text("utf-8")):
        try:
            faults += [] if ast.parse(block).body else [f"nothing in {block!r}"]
        except SyntaxError as error:
            faults.append(f"{error} in {block!r}")
    assert faults == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_on_pages_exist(page: Path) -> None:
    """What a page calls `dc.something` is there to be imported."""
    named = set(re.findall(r"\bdc\.(\w+)", page.read_text("utf-8")))
    assert {name for name in named if not hasattr(dc, name)} == set()


def test_every_hook_and_command_has_its_place() -> None:
    """The reference pages are complete."""
    hooks = (ROOT / "docs/reference/hooks.md").read_text("utf-8")
    for name in vars(hookspecs):
        if hasattr(getattr(hookspecs, name), "destination_core_spec"):
            assert f"## {name}" in hooks
    commands = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    assert all(f"## destinations {name}" in commands for name in COMMANDS)


def test_the_features_page_shows_what_runs() -> None:
    """Every block of Python on it is part of a destination that other tests deliver with."""
    sources = [(ROOT / "tests" / name).read_text("utf-8") for name in ("outreach.py", "ledger.py")]
    blocks = PYTHON.findall((ROOT / "docs" / "authoring-features.md").read_text("utf-8"))
    assert blocks
    for block in blocks:
        indented = [textwrap.indent(block, " " * depth) for depth in (0, 4, 8)]
        assert any(one in source for one in indented for source in sources), block


COMMAND = re.compile(r"\bdestinations ([a-z]+)((?: [^|`#&\n]*)?)")
TYPED = re.compile(r"^\$ (?:\w+=\S+ )*destinations ([a-z]+)", re.MULTILINE)
SHOWN = [
    *PAGES,
    *sorted(ROOT.glob("plugins/*/README.md")),
    *sorted(ROOT.glob("destination_core/scaffold/template/**/*.md.jinja")),
    *sorted(ROOT.glob("destination_core/scaffold/template/**/*.yml.jinja")),
]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_pages_exist_with_their_options(page: Path) -> None:
    """Whoever types what a page shows is not told that there is no such option."""
    context = click.Context(group)
    text = page.read_text("utf-8")
    assert set(TYPED.findall(text)) <= {*COMMANDS}
    for name, rest in COMMAND.findall(text):
        command = group.get_command(context, name)
        if command is None:  # a word of a sentence
            continue
        several = [command]
        if isinstance(command, click.Group):
            several += command.commands.values()
        known = {
            option
            for each in several
            for one in each.params
            for option in (*one.opts, *one.secondary_opts)
        }
        unknown = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", rest)) - known - {"--help"}
        assert not unknown, f"destinations {name} has no {', '.join(unknown)}"
