"""Write the reference pages from the objects they describe; with --check, only compare.

Pages under docs/reference are written whole; in other pages the part between
``<!-- generated: NAME -->`` and ``<!-- /generated -->`` is, and ``<!-- example: FILE -->`` is
followed by that file as a code block.
"""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import click
from click.testing import CliRunner
from pydantic import BaseModel

from destination_core import errors, hookspecs
from destination_core.catalogue import action_table, markdown
from destination_core.cli.main import COMMANDS, group
from destination_core.connection import Policy
from destination_core.connection.config import IngestConfig, QueueConfig
from destination_core.mapping.directives import DIRECTIVES
from destination_core.plugins import Registry
from destination_core.server import CODES

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(one.parent.name for one in (ROOT / "plugins").glob("*/pyproject.toml"))
"""The plugins of this repository; each folder has the slug's name."""
HOOK_EXAMPLES = ROOT / "tests" / "hook_examples.py"
"""A plugin with every hook, which the tests run."""
WIDTH = 100
"""Columns of code; the formatter's line-length."""
NOTE = "<!-- written by tools/generate_docs.py; change the source, then `make docs` -->\n\n"


EXIT_CODES = """\
| code | meaning |
|---|---|
| 0 | ok |
| 1 | problems were found |
| 2 | usage |
| 3 | configuration |
| 4 | authentication |
| 5 | delivery |
| 70 | a plugin blocked the process, which was ended: start it again |
| 130 | interrupted: not everything was read |"""


def hooks() -> str:
    """Return the page of hooks: what each is for, when it is called, what it may raise."""
    parts = ["# Hooks", inspect.getdoc(hookspecs) or ""]
    for name, function in vars(hookspecs).items():
        if not inspect.isfunction(function) or not hasattr(function, "destination_core_spec"):
            continue
        kind = (
            "async, delivery"
            if name in hookspecs.DELIVERY_HOOKS
            else "observer"
            if name in hookspecs.OBSERVERS
            else "set-up"
        )
        signature = str(inspect.signature(function)).replace("destination_core.", "")
        signature = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", signature)
        prefix = "async def" if name in hookspecs.DELIVERY_HOOKS else "def"
        if prefix == "async def":
            signature = re.sub(r"-> Awaitable\[(.*)\]$", r"-> \1", signature)
        parts += [
            f"## {name}",
            f"*{kind}*",
            f"```python\n@dc.hookimpl\n{_wrapped(f'{prefix} {name}{signature}: ...')}\n```",
        ]
        parts.append(inspect.getdoc(function) or "")
        parts += ["For example:", f"```python\n{_example(name)}\n```"]
    return NOTE + "\n\n".join(parts) + "\n"


def _example(hook: str) -> str:
    """Return the function of the examples that a hook calls: by its name, or as it is declared."""
    text = HOOK_EXAMPLES.read_text("utf-8")
    declared = {"dynamic_choices": "choices"}.get(hook, hook)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = [ast.unparse(one) for one in node.decorator_list]
            is_hook = node.name == hook and "dc.hookimpl" in marks
            if is_hook or any(f".{declared}" in one for one in marks):
                start = min(one.lineno for one in (node, *node.decorator_list)) - 1
                return "\n".join(text.splitlines()[start : node.end_lineno])
    raise click.ClickException(f"{HOOK_EXAMPLES} has no example of {hook}")


def _wrapped(stub: str) -> str:
    """Break a long signature as the formatter does: its parameters on a line of their own."""
    if len(stub) <= WIDTH:
        return stub
    head, _, rest = stub.partition("(")
    parameters, _, tail = rest.rpartition(") ->")
    return f"{head}(\n    {parameters}\n) ->{tail}"


def error_page() -> str:
    """Return the page of errors."""
    parts = ["# Errors", (errors.__doc__ or "").replace("::\n", "").strip("\n")]
    parts[1] = re.sub(r"\n\n((?:    .*\n?)+)", _code_block, parts[1])
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.DestinationError):
            code = getattr(kind, "default_code", "")
            parts += [f"## {name}", inspect.getdoc(kind) or ""]
            if code:
                parts.append(f"Code, unless given: `{code}`.")
    return NOTE + "\n\n".join(parts) + "\n"


def _code_block(match: re.Match[str]) -> str:
    lines = [line[4:] for line in match[1].rstrip("\n").split("\n")]
    return "\n\n```\n" + "\n".join(lines) + "\n```\n"


def directive_page() -> str:
    """Return the page of directives."""
    rows = ["# Directives", "One line each; the whole story is in [mapping](../mapping.md).", ""]
    rows += ["| directive | what it does |", "|---|---|"]
    for name, function in DIRECTIVES.items():
        first = (inspect.getdoc(function) or "").splitlines()[0]
        said = re.sub(r"^Compile ``(@\w+)``[:;,]?\s*", "", first).replace("``", "`")
        rows.append(f"| `{name}` | {said} |")
    return NOTE + "\n".join(rows) + "\n"


def commands() -> str:
    """Return the page of commands: what --help prints."""
    runner = CliRunner()
    parts = ["# Commands"]
    for name in ["", *sorted(COMMANDS)]:
        arguments = [name, "--help"] if name else ["--help"]
        printed = runner.invoke(group, arguments, prog_name="destinations").output
        parts += [f"## destinations {name}".rstrip(), f"```console\n{printed.strip()}\n```"]
    exits = [
        "## Exit codes",
        EXIT_CODES,
    ]
    return NOTE + "\n\n".join([*parts, *exits]) + "\n"


def plugin_page(slug: str) -> str:
    """Return the reference page of a plugin."""
    return NOTE + markdown(Registry.discover().relay(slug).destination)


def customerio_actions() -> str:
    """Return the table of Customer.io's actions."""
    return action_table(Registry.discover().relay("customerio").destination)


def options(model: type[BaseModel]) -> str:
    """Return the table of what may stand in a section of a configuration."""
    rows = ["| option | default | meaning |", "|---|---|---|"]
    for name, info in model.model_fields.items():
        default = info.get_default(call_default_factory=True)
        if isinstance(default, float) and default.is_integer():
            default = int(default)
        shown = f"{default:,}" if isinstance(default, int | float) else f"{default or '-'}"
        rows.append(f"| `{name}` | {shown} | {info.description} |")
    return "\n".join(rows)


def discards() -> str:
    """Return the table of reasons for which an event is not taken."""
    rows = ["| code | reason |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{code}` | {said} |" for code, said in CODES.items())])


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/hooks.md": hooks,
    "docs/reference/errors.md": error_page,
    "docs/reference/directives.md": directive_page,
    "docs/reference/cli.md": commands,
    **{f"docs/reference/{slug}.md": partial(plugin_page, slug) for slug in PLUGINS},
}
PARTS: Mapping[str, Callable[[], str]] = {
    "customerio actions": customerio_actions,
    "ingest options": partial(options, IngestConfig),
    "queue options": partial(options, QueueConfig),
    "delivery options": partial(options, Policy),
    "discard codes": discards,
}
WITH_PARTS = (
    "README.md",
    "docs/delivery.md",
    "docs/writing-a-plugin.md",
    "plugins/customerio/README.md",
)

GENERATED = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
EXAMPLE = re.compile(r"(<!-- example: ([\w./-]+) -->\n)(?:```python\n.*?\n```\n)?", re.DOTALL)


def filled(text: str) -> str:
    """Return a page with its generated parts and its examples filled in."""
    text = GENERATED.sub(lambda m: f"{m[1]}{PARTS[m[2]]()}\n{m[3]}", text)

    def example(match: re.Match[str]) -> str:
        source = (ROOT / match[2]).read_text("utf-8").strip()
        return f"{match[1]}```python\n{source}\n```\n"

    return EXAMPLE.sub(example, text)


@click.command()
@click.option("--check", is_flag=True, help="Fail when a page is out of date; write nothing.")
def main(check: bool) -> None:
    """Write the generated pages."""
    wanted = {ROOT / path: make() for path, make in PAGES.items()}
    for name in WITH_PARTS:
        wanted[ROOT / name] = filled((ROOT / name).read_text("utf-8"))
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if check and stale:
        for path in stale:
            click.echo(f"out of date: {path.relative_to(ROOT)}; run `make docs`", err=True)
        sys.exit(1)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], "utf-8")
        click.echo(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
