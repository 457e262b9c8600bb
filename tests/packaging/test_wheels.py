"""Every distribution, as a stranger installs them: wheels, an empty environment, no source tree."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(one.parent.name for one in ROOT.glob("plugins/*/pyproject.toml"))

BROKEN = {
    "broken_import": "raise RuntimeError('boom')",
    "twin_one": """
import destination_core as dc
class Settings(dc.Settings): pass
@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("twin", title="Twin", settings=Settings, actions=[])
""",
    "wrong_hook": """
import destination_core as dc
@dc.hookimpl
def perfrom(ctx): ...
""",
    "wrong_argument": """
import destination_core as dc
@dc.hookimpl
def extend_request(setings): ...
""",
    "sync_delivery": """
import destination_core as dc
@dc.hookimpl
def perform(ctx, action, payload): ...
""",
    "no_destination": """
import destination_core as dc
@dc.hookimpl
async def perform(ctx, action, payload): ...
""",
}
BROKEN["twin_two"] = BROKEN["twin_one"]


class Environment:
    """A virtual environment that sees this one's third-party packages, and nothing else of it."""

    def __init__(self, path: Path) -> None:
        venv.create(path, with_pip=True, symlinks=True)
        self.python = path / "bin" / "python"
        self.cli = path / "bin" / "destinations"
        self.site = path / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.home = path

    def borrow(self) -> None:
        """Use the third-party packages that are installed here; not our distributions."""
        here = Path(sysconfig.get_path("purelib"))
        for package in here.iterdir():
            if "destination" not in package.name and package.suffix != ".pth":
                target = self.site / "site-packages" / package.name
                if not target.exists():
                    target.symlink_to(package)

    def pip(self, *arguments: str) -> None:
        command = [str(self.python), "-m", "pip", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "NO_COLOR": "1"}
        return subprocess.run(
            [str(self.cli), *arguments],
            capture_output=True,
            text=True,
            cwd=self.home,
            env=environment,
            check=False,
            timeout=100,
        )

    def plugins(self) -> dict[str, object]:
        answer: dict[str, object] = json.loads(self.run("plugins", "--json").stdout)
        return answer


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build every wheel."""
    out = tmp_path_factory.mktemp("dist")
    for source in (ROOT, *(ROOT / "plugins" / one for one in PLUGINS)):
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


@pytest.fixture
def environment(tmp_path: Path, wheels: dict[str, Path]) -> Environment:
    """Install the core's wheel alone into an empty environment."""
    made = Environment(tmp_path / "env")
    made.borrow()
    made.pip("install", "--no-index", "--no-deps", str(wheels["destination_core"]))
    return made


def test_plugin_comes_and_goes_with_pip(environment: Environment, wheels: dict[str, Path]) -> None:
    """`pip install` of a plugin's wheel makes it appear, `pip uninstall` disappear."""
    assert environment.plugins()["plugins"] == []
    for plugin in PLUGINS:
        wheel = wheels[f"destination_{plugin}"]
        environment.pip("install", "--no-index", "--no-deps", str(wheel))
        (found,) = environment.plugins()["plugins"]  # type: ignore[misc]
        assert (found["slug"], found["distribution"]) == (plugin, f"destination-{plugin}")
        if plugin == "customerio":
            demo = environment.run("demo", "--json")
            assert demo.returncode == 0, demo.stderr
        environment.pip("uninstall", "-y", f"destination-{plugin}")
        assert environment.plugins()["plugins"] == []


def test_broken_plugins_are_named_while_the_others_list(
    environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    """Every broken plugin is named with distribution, version and reason; the sound one lists."""
    environment.pip("install", "--no-index", "--no-deps", str(wheels["destination_customerio"]))
    site = environment.site / "site-packages"
    for name, source in BROKEN.items():
        (site / f"{name}.py").write_text(source)
        info = site / f"acme_{name}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.2.3\n"
        )
        slug = "twin" if name.startswith("twin") else name
        (info / "entry_points.txt").write_text(f"[destination_core]\n{slug} = {name}\n")

    done = environment.run("plugins", "--json")

    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert [one["slug"] for one in answer["plugins"]] == ["customerio"]
    broken = {one["distribution"]: one for one in answer["broken"]}
    assert set(broken) == {f"acme-{name}" for name in BROKEN}
    assert {one["version"] for one in broken.values()} == {"1.2.3"}
    for name, words in {
        "broken_import": "boom",
        "twin_one": "'twin' is declared by",
        "twin_two": "'twin' is declared by",
        "wrong_hook": "perfrom",
        "wrong_argument": "setings",
        "sync_delivery": "async def",
        "no_destination": "register_destination",
    }.items():
        assert words in broken[f"acme-{name}"]["reason"]


@pytest.mark.parametrize("plugin", PLUGINS, ids=PLUGINS)
def test_plugin_imports_only_public_names(plugin: str) -> None:
    """A plugin uses `import destination_core as dc` and nothing behind it."""
    modules = list((ROOT / "plugins" / plugin / f"destination_{plugin}").rglob("*.py"))
    assert modules
    for module in modules:
        for line in module.read_text("utf-8").splitlines():
            private = line.strip().startswith(("from destination_core", "import destination_core."))
            assert not private, f"{module.name}: {line.strip()}"
