"""What a definition check finds, and where in an author's files it is."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int

    def __str__(self) -> str:
        here = Path.cwd()
        path = Path(self.file)
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        return f"{shown}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (``error``) or could be better (``warning``).

    ``action`` and ``field`` are "" where it is about neither; a field of the settings has action
    "". ``place`` is None for what has no source, such as a model that was built at run time.
    """

    rule: str
    message: str
    level: Literal["error", "warning"] = "error"
    action: str = ""
    field: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.level}: {self.message} [{self.rule}]"


def place_of(thing: type | Callable[..., Any]) -> Place | None:
    """Find where a class or a function is written."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(thing))
        _, line = inspect.getsourcelines(thing)
    except (OSError, TypeError):
        return None
    return Place(file, line) if file else None


def place_of_field(model: type, attribute: str) -> Place | None:
    """Find where a field is written: in the model, or in the one that it is inherited from."""
    for one in model.__mro__:
        if attribute in vars(one).get("__annotations__", {}):
            return _line_in(one, attribute) or place_of(one)
    return place_of(model)


def _line_in(model: type, attribute: str) -> Place | None:
    start = place_of(model)
    if start is None:
        return None
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except SyntaxError:  # a string with less indentation than the class
        return None
    for node in ast.walk(parsed):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == attribute
        ):
            return Place(start.file, start.line + node.lineno - 1)
    return None
