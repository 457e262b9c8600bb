"""Every distribution, as a stranger installs them: wheels, an empty environment, no source tree."""

import ast
import json
import zipfile
from pathlib import Path

import pytest

from tests.packaging.environment import PLUGINS, ROOT, Environment

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


def test_plugin_comes_and_goes_with_pip(environment: Environment, wheels: dict[str, Path]) -> None:
    """`pip install` of a plugin's wheel makes it appear, `pip uninstall` disappear."""
    assert environment.plugins()["plugins"] == []
    for plugin in PLUGINS:
        wheel = wheels[f"destination_{plugin}"]
        environment.must("pip", "install", "--no-deps", str(wheel))
        (found,) = environment.plugins()["plugins"]  # type: ignore[misc]
        assert (found["slug"], found["distribution"]) == (plugin, f"destination-{plugin}")
        if plugin == "customerio":
            environment.must("destinations", "demo", "--json")
        environment.must("pip", "uninstall", "-y", f"destination-{plugin}")
        assert environment.plugins()["plugins"] == []


def test_every_wheel_has_its_licence_and_its_types(wheels: dict[str, Path]) -> None:
    """What a stranger gets says under which terms, and that it is typed; it runs anywhere."""
    assert len(wheels) == len(PLUGINS) + 1
    for name, wheel in wheels.items():
        assert wheel.name.endswith("-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        assert f"{name}/py.typed" in names
        assert [one for one in names if one.endswith(".dist-info/licenses/LICENSE")], name


def test_broken_plugins_are_named_while_the_others_list(
    environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    """Every broken plugin is named with distribution, version and reason; the sound one lists."""
    environment.must("pip", "install", "--no-deps", str(wheels["destination_customerio"]))
    site = environment.site
    for name, source in BROKEN.items():
        (site / f"{name}.py").write_text(source)
        info = site / f"acme_{name}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.2.3\n"
        )
        slug = "twin" if name.startswith("twin") else name
        (info / "entry_points.txt").write_text(f"[destination_core]\n{slug} = {name}\n")

    done = environment.run("destinations", "plugins", "--json")

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


@pytest.mark.parametrize("plugin", PLUGINS, ids=PLUGINS)
def test_the_tests_of_a_plugin_use_only_the_kit(plugin: str) -> None:
    """Nothing but `destination_core`, its `testing`, and what is the plugin's own."""
    modules = list((ROOT / "plugins" / plugin / "tests").rglob("*.py"))
    assert modules
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                ours = name.partition(".")[0] in ("destination_core", "tests", "benchmarks")
                public = name in ("destination_core", "destination_core.testing")
                assert public or not ours, f"{module.name} imports {name}"
