"""Every variant of `destinations new`: installed as it is, its own tests, mypy and ruff pass."""

import re
import shutil
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment, build

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


def test_a_project_is_brought_in_line_with_a_newer_core(
    environment: Environment, tmp_path: Path
) -> None:
    """By `destinations new update`, then by `copier update` itself; what is the author's stays."""
    environment.must("destinations", "new", "acme", "--defaults")
    folder = environment.home / "destination-acme"
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("# destination-acme", "# Our own title"))

    def commit() -> None:
        environment.must("git", "add", "--all", cwd=folder)
        environment.must("git", "commit", "--message", "one", cwd=folder)

    environment.must("git", "init", cwd=folder)
    commit()
    for version, command, chapter in (
        ("0.1.1", ("destinations", "new", "update"), "## Develop it"),
        ("0.1.2", ("python", "-m", "copier", "update", "--defaults"), "## Work on it again"),
    ):
        newer(environment, tmp_path / version, version, chapter)
        if "copier" in command:  # a core that was never asked for its template has not written it
            environment.must("destinations", "new", "other", "--defaults", "-o", version)
        environment.must(*command, cwd=folder)
        assert chapter in readme.read_text()
        assert "# Our own title" in readme.read_text()
        assert f"_commit: {version}" in (folder / ".copier-answers.yml").read_text()
        commit()
    said = environment.must("destinations", "new", "update", cwd=folder)
    assert "from template 0.1.2 to 0.1.2" in said
    assert environment.must("git", "status", "--short", cwd=folder) == ""


def newer(environment: Environment, folder: Path, version: str, chapter: str) -> None:
    """Install another version of the core, whose template has another chapter."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in ("README.md", "LICENSE", "destination_core"):
        copied = ROOT / name
        if copied.is_dir():
            shutil.copytree(copied, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(copied, source / name)
    project = (ROOT / "pyproject.toml").read_text()
    project = re.sub(r'^version = ".*"$', f'version = "{version}"', project, flags=re.MULTILINE)
    (source / "pyproject.toml").write_text(project)
    page = source / "destination_core/scaffold/template/project/README.md.jinja"
    page.write_text(page.read_text().replace("## Work on it", chapter))
    wheel = build(folder / "dist", source)["destination_core"]
    environment.must("pip", "install", "--no-deps", "--upgrade", str(wheel))
