"""The template as a git repository in the user's data folder, one tag per version.

copier updates a project by comparing what the version it was made with would write with what the
new one writes, so it needs both as tags of a repository. The wheel holds one version only; each
is added to the repository when it is first used on a machine. Commits are the same everywhere.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).parent / "template"

_IDENTITY: Final[Mapping[str, str]] = {
    "GIT_AUTHOR_NAME": "destination-core",
    "GIT_AUTHOR_EMAIL": "destination-core@localhost",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "destination-core",
    "GIT_COMMITTER_EMAIL": "destination-core@localhost",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def home() -> Path:
    """Return where the repository is: in the folder that the XDG specification names for data."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "destination-core/template"


def spelled(path: Path) -> str:
    """Write a path so that it is right for every user of a project: from ``~`` where it can be."""
    own = Path.home()
    return f"~/{path.relative_to(own).as_posix()}" if path.is_relative_to(own) else str(path)


def publish(version: str, repository: Path, template: Path = TEMPLATE) -> str:
    """Make sure that the template is a tag of the repository, and return the tag.

    A template that differs from the tag of its version (a core under development) becomes a
    post-release of it.
    """
    repository.mkdir(parents=True, exist_ok=True)
    if not (repository / ".git").exists():
        _git(repository, "init", "--quiet", "--initial-branch=main")
    for old in repository.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(template, repository, dirs_exist_ok=True)
    _git(repository, "add", "--all", "--force", ".")
    tree = _git(repository, "write-tree")
    tags = _git(repository, "tag", "--list", version, f"{version}.post*").split()
    for tag in tags:
        if _git(repository, "rev-parse", f"{tag}^{{tree}}") == tree:
            return tag
    tag = f"{version}.post{len(tags)}" if tags else version
    _git(repository, "commit", "--quiet", "--allow-empty", "--message", f"Template of {tag}")
    _git(repository, "tag", tag)
    return tag


def recall(version: str, repository: Path) -> bool:
    """Get the template of another version of the core from pip, unless it is a tag already.

    A project may come from another machine. False when pip has no such version.
    """
    if _git(repository, "tag", "--list", version):
        return True
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        subprocess.run([*pip, f"destination-core=={version}"], capture_output=True, check=False)
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)  # which keeps every name inside the folder
        template = Path(folder) / "destination_core/scaffold/template"
        if template.is_dir():
            publish(version, repository, template)
        return template.is_dir()


def conflicts(project: Path) -> list[str]:
    """Return the files in which an update left conflict markers."""
    command = ["git", "-C", str(project), "grep", "--files-with-matches", "^<<<<<<< "]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **_IDENTITY},
    )
    return done.stdout.strip()
