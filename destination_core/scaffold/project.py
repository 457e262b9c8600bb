"""Make a project, keep it in line with the template, add actions to it."""

import re
import shutil
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from destination_core.scaffold import repository
from destination_core.scaffold.names import ActionNames

ANSWERS: Final = ".copier-answers.yml"

LONGEST_LINE: Final = 100
"""Characters of a line, as the formatter of a project has them."""


class ScaffoldError(Exception):
    """A project cannot be made or changed; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Updated:
    """From which version of the template to which, and the files that were changed by both."""

    before: str
    after: str
    conflicts: Sequence[str]


def create(folder: Path, answers: Mapping[str, Any], *, ask: bool) -> Path:
    """Write a project into a folder that does not exist yet; ``ask`` for what was not answered.

    Raises ``ScaffoldError``, and ``KeyboardInterrupt`` when somebody stops answering.
    """
    copier = _copier()
    if folder.exists() and any(folder.iterdir()):
        raise ScaffoldError(f"{folder} is there already; remove it, or choose another --output")
    place = repository.home()
    tag = _published(place)
    try:
        with _quiet():
            copier.run_copy(
                repository.spelled(place),
                folder,
                dict(answers),
                vcs_ref=tag,
                defaults=not ask,
                quiet=True,
            )
    except copier.errors.CopierAnswersInterrupt:
        raise KeyboardInterrupt from None
    except (ValueError, copier.errors.CopierError) as error:  # an answer that its validator refuses
        raise ScaffoldError(" ".join(str(error).split())) from error
    return folder


def update(folder: Path) -> Updated:
    """Bring a project in line with the template of this core.

    What its authors changed stays; where both changed the same lines, conflict markers show it.
    The project must be a git repository without uncommitted changes. Raises ``ScaffoldError``.
    """
    copier = _copier()
    made = _answers(folder)
    place = repository.home()
    tag = _published(place)
    before = str(made.get("_commit", ""))
    if not before or not repository.recall(before, place):
        raise ScaffoldError(
            f"{folder} cannot be updated: template {before!r} is not known on this machine, and"
            f" pip does not find it; install destination-core {before} once and run any"
            f" `destinations new`"
        )
    try:
        with _quiet():
            copier.run_update(folder, vcs_ref=tag, defaults=True, overwrite=True, quiet=True)
    except (ValueError, copier.errors.CopierError) as error:
        raise ScaffoldError(f"{folder} cannot be updated: {error}") from error
    return Updated(before, tag, repository.conflicts(folder))


def add_action(folder: Path, names: ActionNames) -> tuple[Path, str]:
    """Add an action to a project, and to its list of actions.

    Return the new module and the slug of the destination.

    Raises ``ScaffoldError``.
    """
    copier = _copier()
    slug = str(_answers(folder)["slug"])
    package = "destination_" + slug.replace("-", "_")
    listing = folder / package / "actions" / "__init__.py"
    made = listing.with_name(f"{names.module}.py")
    if not listing.is_file():
        raise ScaffoldError(f"{listing} is not there; is {folder} still laid out as it was made?")
    if made.exists():
        raise ScaffoldError(f"{made} is there already; choose another name")
    text = _listed(listing.read_text("utf-8"), package, names.module)
    if text is None:
        raise ScaffoldError(f"{listing} has no `ACTIONS = (`; add the action by hand")
    with _quiet():
        copier.run_copy(
            str(repository.TEMPLATE / "action"),
            folder,
            {"package": package, **asdict(names)},
            defaults=True,
            quiet=True,
        )
    listing.write_text(text, "utf-8")
    return made, slug


def _listed(text: str, package: str, module: str) -> str | None:
    """Add an import, in its place in the alphabet, and an entry to the list of actions."""
    head, found, tail = text.partition("ACTIONS = (\n")
    if not found or ")" not in tail:
        return None
    imports = f"from {package}.actions.{module} import {module}\n"
    if len(imports) > LONGEST_LINE + 1:
        imports = f"from {package}.actions.{module} import (\n    {module},\n)\n"
    lines = re.findall(r"^from .+ import (?:[^(\n]+|\([^)]*\))\n", head, re.MULTILINE)
    block = "".join(lines)
    if block not in head:
        return None
    head = head.replace(block, "".join(sorted({*lines, imports}))) if block else head + imports
    entries, end, rest = tail.partition(")")
    return f"{head}{found}{entries}    {module},\n{end}{rest}"


def _answers(folder: Path) -> Mapping[str, Any]:
    path = folder / ANSWERS
    if not path.is_file():
        raise ScaffoldError(f"{path} is not there; go to a project that `destinations new` made")
    read = YAML(typ="safe").load(path.read_text("utf-8"))
    if not isinstance(read, Mapping) or "slug" not in read:
        raise ScaffoldError(f"{path} names no slug; take it back from version control")
    return read


def _published(place: Path) -> str:
    try:
        return repository.publish(version("destination-core"), place)
    except subprocess.CalledProcessError as error:
        raise ScaffoldError(f"{place} cannot be written by git: {error.stderr.strip()}") from error


def _copier() -> Any:
    if shutil.which("git") is None:
        raise ScaffoldError("git is not there; install it, the template is kept with it")
    try:
        import copier.errors  # noqa: PLC0415  an extra: only this command needs it
    except ModuleNotFoundError as error:
        raise ScaffoldError(
            'copier is not there; install it: pip install "destination-core[new]"'
        ) from error
    return copier


def _quiet() -> Any:
    """Keep copier's remarks about version numbers to ourselves: the tags are ours."""
    return warnings.catch_warnings(action="ignore")
