"""Every variant of `destinations new`: installed as it is, its own tests, mypy and ruff pass."""

from pathlib import Path

import pytest

from tests.packaging.environment import Environment

pytestmark = pytest.mark.timeout(500)  # it starts a dozen programs

LONG = "The Other Things of Acme and of Its Very Many Sons & Co, Inc."[:60]


def created(environment: Environment, name: str, *options: str) -> Path:
    """Make a project, and install it with what its README says."""
    environment.must("destinations", "new", name, "--defaults", *options)
    folder = environment.home / f"destination-{name}"
    environment.must("pip", "install", "-e", ".[dev]", cwd=folder)
    return folder


def check(environment: Environment, folder: Path) -> None:
    """Run what its AGENTS.md says."""
    slug = folder.name.removeprefix("destination-")
    tests = environment.must("pytest", "-q", "-p", "no:randomly", "-p", "no:xdist", cwd=folder)
    assert " passed" in tests
    assert "[upsertContact]" not in tests  # nothing of what matters was skipped
    environment.must("mypy", cwd=folder)
    environment.must("ruff", "check", cwd=folder)
    environment.must("ruff", "format", "--check", cwd=folder)
    found = environment.must("destinations", "lint", slug, "--strict", cwd=folder)
    assert "nothing to find fault with" in found


@pytest.mark.parametrize("batch", ["batch", "no-batch"])
@pytest.mark.parametrize("authentication", ["api-key", "basic", "bearer", "oauth2"])
def test_a_project_is_sound_as_it_is_made(
    authentication: str, batch: str, environment: Environment
) -> None:
    """Each variant, in an environment of its own; it is listed once it is installed."""
    name = {"batch": "acme", "no-batch": "an-other-tool-with-a-longer-name"}[batch]
    texts = {"batch": ("--title", LONG), "no-batch": ("--base-url", "https://acme.example/")}
    folder = created(environment, name, "--auth", authentication, f"--{batch}", *texts[batch])
    assert f"destination-{name} 0.1.0, 2 actions" in environment.must("destinations", "plugins")
    check(environment, folder)
    action = next(folder.glob("*/actions/track_event.py")).read_text()
    assert (".batch(" in action) is (batch == "batch")


def test_an_action_that_is_added_is_sound(environment: Environment) -> None:
    """After the two commands that it names, everything passes again, and it is listed."""
    folder = created(environment, "acme", "--auth", "bearer", "--no-batch")
    for name in ("Delete Contact", "Tell Everybody What Was Bought"):
        said = environment.must("destinations", "new", "action", name, cwd=folder)
        for command in said.splitlines()[1:]:
            environment.must(*command.split(), "-q" if "pytest" in command else "--", cwd=folder)
    check(environment, folder)
    assert "deleteContact" in environment.must("destinations", "plugins")
    assert "`tellEverybodyWhatWasBought`" in (folder / "README.md").read_text()


def test_copier_itself_can_update_a_project(environment: Environment) -> None:
    """`copier update`, and ours, of a project that is in line already change nothing."""
    environment.must("destinations", "new", "acme", "--defaults")
    folder = environment.home / "destination-acme"
    environment.must("git", "init", cwd=folder)
    environment.must("git", "add", "--all", cwd=folder)
    environment.must("git", "commit", "--message", "first", cwd=folder)
    environment.must("python", "-m", "copier", "update", "--defaults", cwd=folder)
    said = environment.must("destinations", "new", "update", cwd=folder)
    assert "from template 0.1.0 to 0.1.0" in said
    assert environment.must("git", "status", "--short", cwd=folder) == ""
