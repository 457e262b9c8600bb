"""New projects: their names, the template as a repository, what is refused, updates."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from destination_core.scaffold import (
    ActionNames,
    ScaffoldError,
    add_action,
    create,
    slug_fault,
    update,
)
from destination_core.scaffold import repository as template
from tests.command_line import CommandLine


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the template's repository out of the user's own folders, and work in an empty one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "text", ["Delete Contact", "deleteContact", "delete-contact", "delete_contact"]
)
def test_an_action_has_its_names_however_it_is_written(text: str) -> None:
    """In customers' configurations, in files, in Python and for people."""
    wanted = ActionNames("deleteContact", "delete_contact", "DeleteContact", "Delete Contact")
    assert ActionNames.of(text) == wanted


@pytest.mark.parametrize("text", ["", "1st", "class", "a.b", "été", "../x", "word " * 8])
def test_what_python_cannot_name_is_no_action(text: str) -> None:
    """It would be a module that nobody can import, or a path out of the project."""
    assert ActionNames.of(text) is None


@pytest.mark.parametrize(
    ("text", "fits"), [("acme", True), ("acme-2", True), ("Acme", False),
                     ("-a", False), ("a_b", False), ("a--b", False), ("core", False),
                     ("a" * 33, False)],
)  # fmt: skip
def test_slugs(text: str, fits: bool) -> None:
    """Lower-case words with hyphens between them; not one that would shadow the engine."""
    assert (slug_fault(text) == "") is fits


def test_the_template_is_a_tag_per_version(tmp_path: Path) -> None:
    """The same one once; a changed one of the same version is a post-release, a new one a tag."""
    source, place = tmp_path / "source", tmp_path / "repository"
    source.mkdir()
    (source / "a").write_text("1")
    assert [template.publish("1.0", place, source) for _ in range(2)] == ["1.0", "1.0"]
    (source / "a").write_text("2")
    assert template.publish("1.0", place, source) == "1.0.post1"
    (source / "a").unlink()
    (source / "b").write_text("3")
    assert template.publish("1.1", place, source) == "1.1"
    shown = subprocess.run(
        ["git", "-C", place, "ls-tree", "--name-only", "1.1"], capture_output=True, check=True
    )
    assert shown.stdout == b"b\n"


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def committed(folder: Path, own_title: str) -> Path:
    """Make a project whose authors gave its README a title of their own, and committed it."""
    create(folder, {"slug": "acme"}, ask=False)
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("# destination-acme", f"# {own_title}"))
    git(folder, "init")
    git(folder, "add", "--all")
    git(folder, "commit", "--message", "first")
    return readme


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Publish a template of version 0.2.0 with another title and another chapter."""
    made = tmp_path / "newer"
    shutil.copytree(template.TEMPLATE, made)
    page = made / "project" / "README.md.jinja"
    text = page.read_text().replace("## Work on it", "## Develop {{ title }}")
    page.write_text(text)
    monkeypatch.setattr(
        "destination_core.scaffold.project._published",
        lambda place: template.publish("0.2.0", place, made),
    )
    return page


def test_an_update_takes_over_what_is_new_and_keeps_what_is_the_authors(
    place: Path, request: pytest.FixtureRequest
) -> None:
    """A changed template reaches a project that was changed elsewhere in the same file."""
    folder = place / "p"
    readme = committed(folder, "Our own title")
    request.getfixturevalue("newer")

    done = update(folder)

    assert (done.before, done.after, done.conflicts) == ("0.1.0", "0.2.0", [])
    text = readme.read_text()
    assert "# Our own title" in text
    assert "## Develop Acme" in text
    assert "<<<<<<<" not in text
    assert "_commit: 0.2.0" in (folder / ".copier-answers.yml").read_text()


def test_both_changed_the_same_line(
    place: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The command names the file and exits with 1; both versions are in it."""
    readme = committed(place / "p", "Our own title")
    page = request.getfixturevalue("newer")
    page.write_text(page.read_text().replace("# destination-{{ slug }}", "# {{ title }}"))
    monkeypatch.chdir(place / "p")
    done = CommandLine(monkeypatch, capfd)("new", "update")
    assert done.code == 1, done.err
    assert "README.md: you and the template changed the same lines" in done.out
    assert all(title in readme.read_text() for title in ("# Our own title", "# Acme"))


def test_an_older_template_is_had_from_pip(
    place: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A project that was made on another machine; without the wheel, the message says so."""
    folder = place / "p"
    committed(folder, "Our own title")
    shutil.rmtree(template.home())
    request.getfixturevalue("newer")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(ScaffoldError, match=r"template '0\.1\.0' is not known on this machine"):
        update(folder)
    with zipfile.ZipFile(wheels / "destination_core-0.1.0-py3-none-any.whl", "w") as wheel:
        metadata = "Metadata-Version: 2.1\nName: destination-core\nVersion: 0.1.0\n"
        wheel.writestr("destination_core-0.1.0.dist-info/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr("destination_core-0.1.0.dist-info/WHEEL", tags)
        for one in template.TEMPLATE.rglob("*"):
            inside = one.relative_to(template.TEMPLATE)
            wheel.write(one, f"destination_core/scaffold/template/{inside}")
    git(folder, "checkout", "--", ".")
    assert update(folder).after == "0.2.0"
    assert "## Develop Acme" in (folder / "README.md").read_text()


def test_a_project_with_changes_that_are_not_committed_is_not_updated(place: Path) -> None:
    """They could not be told from the template's."""
    folder = create(place / "p", {"slug": "acme"}, ask=False)
    git(folder, "init")
    with pytest.raises(ScaffoldError, match="cannot be updated"):
        update(folder)


def test_actions_are_listed_in_their_order(place: Path) -> None:
    """Imports by the alphabet, entries at the end; a second one of the name is refused."""
    folder = create(place / "p", {"slug": "acme"}, ask=False)
    for name in ("Delete Contact", "Zap"):
        made = add_action(folder, ActionNames.of(name))  # type: ignore[arg-type]
    assert made == (folder / "destination_acme/actions/zap.py", "acme")
    listing = folder / "destination_acme" / "actions" / "__init__.py"
    lines = listing.read_text().splitlines()
    modules = [line.split()[-1] for line in lines if line.startswith("from")]
    assert modules == ["delete_contact", "track_event", "upsert_contact", "zap"]
    assert lines[-5:] == ["    upsert_contact,", "    track_event,", "    delete_contact,",
                          "    zap,", ")"]  # fmt: skip
    with pytest.raises(ScaffoldError, match="is there already"):
        add_action(folder, ActionNames.of("zap"))  # type: ignore[arg-type]
    listing.write_text("ACTIONS = []\n")
    with pytest.raises(ScaffoldError, match="by hand"):
        add_action(folder, ActionNames.of("other"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "NAME is missing"),
        (["Acme Inc"], "'Acme Inc' is no slug"),
        (["core"], "the engine's; choose another name"),
        (["acme", "--title", 'The "Best"'], "none of them a double quote or a backslash"),
        (["acme", "--title", "x" * 61], "use 1 to 60 characters"),
        (["acme", "--base-url", "acme.example"], "use an address of at most 80 characters"),
        (["acme", "action"], "unexpected 'action'"),
        (["action"], "an action needs a name"),
        (["action", "class"], "cannot be a name in Python"),
        (["action", "Delete It"], "go to a project that `destinations new` made"),
        (["update"], "go to a project that `destinations new` made"),
    ],
)
def test_what_cannot_be_made_is_said(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A sentence and exit code 2; nothing is written."""
    done = CommandLine(monkeypatch, capfd)("new", *arguments)
    assert (done.code, list(Path().iterdir())) == (2, [])
    assert said in done.err


def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without copier the command says what to install; so it does without git."""
    run = CommandLine(monkeypatch, capfd)
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "copier", None)
        assert 'pip install "destination-core[new]"' in run("new", "acme").err
    monkeypatch.setenv("PATH", "")
    assert "git is not there" in run("new", "acme").err


def test_a_folder_with_something_in_it_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second time for the same name."""
    run = CommandLine(monkeypatch, capfd)
    made = run("new", "destination-acme", "--defaults", "--title", "Acme & Sons")
    assert made.code == 0, made.err
    assert '"Acme & Sons"' in Path("destination-acme/destination_acme/__init__.py").read_text()
    again = run("new", "acme", "--defaults")
    assert again.code == 2
    assert "is there already" in again.err
