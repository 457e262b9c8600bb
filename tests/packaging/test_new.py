"""Every variant of `destinations new`: installed as it is, its own tests, mypy and ruff pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


class Project:
    """A project that was made, and where it is installed."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        self.site = folder / "site"
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(self.site),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.folder = folder
        self.run("destinations", "new", name, "--defaults", *options)
        self.folder = folder / f"destination-{name}"

    def run(self, *command: str) -> str:
        """Run a command in the project; it must succeed."""
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=self.environment,
            check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def install(self) -> None:
        """Install it where only this project's commands look."""
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        options = ["--no-deps", "--no-build-isolation", "--upgrade", "--target", str(self.site)]
        self.run(*pip, *options, ".")

    def check(self) -> None:
        """Run what its AGENTS.md says."""
        self.run("ruff", "format", "--check")
        self.run("ruff", "check")
        self.run("mypy")
        self.run(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:xdist")


@pytest.mark.parametrize(
    "options",
    [
        ("--auth", "api-key", "--batch"),
        ("--auth", "basic", "--no-batch"),
        ("--auth", "bearer", "--batch", "--base-url", "https://acme.example"),
        ("--auth", "oauth2", "--no-batch", "--title", "The Other Things of Acme and Its Many Sons"),
    ],
    ids=lambda options: options[1],
)
def test_a_project_is_sound_as_it_is_made(options: tuple[str, ...], tmp_path: Path) -> None:
    """Its tests, mypy --strict, ruff and lint pass, and it is listed once it is installed."""
    project = Project(tmp_path, f"some-{options[1]}-tool", *options)
    project.install()
    project.check()
    assert f"some-{options[1]}-tool" in project.run("destinations", "plugins")
    found = project.run("destinations", "lint", f"some-{options[1]}-tool", "--strict")
    assert "nothing to find fault with" in found


def test_an_action_that_is_added_is_sound(tmp_path: Path) -> None:
    """After the two commands that it names, everything passes again, and it is listed."""
    project = Project(tmp_path, "acme", "--auth", "bearer", "--no-batch")
    project.run("destinations", "new", "action", "Delete Contact")
    project.install()
    project.run(sys.executable, "-m", "pytest", "-q", "--update-requests", "-k", "golden")
    project.run("destinations", "describe", "acme", "--into", "README.md")
    project.check()
    assert "deleteContact" in project.run("destinations", "plugins")
    assert "`deleteContact`" in (project.folder / "README.md").read_text()
