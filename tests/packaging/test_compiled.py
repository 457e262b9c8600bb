"""Compiled wheels: the same sources as extension modules, which do the same."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT, Environment, build

SUFFIX = str(sysconfig.get_config_var("EXT_SUFFIX"))
SOURCES = {"destination_core": ROOT, "destination_customerio": ROOT / "plugins" / "customerio"}
TESTED = (
    *("tests/conformance", "tests/test_engine.py", "tests/test_fql_index.py"),
    *("tests/test_mapping.py", "tests/test_mapping_directives.py", "tests/test_event.py"),
    *("tests/test_http_client.py", "tests/test_http_transport.py", "tests/test_http_deadlines.py"),
    *("tests/properties/test_batching.py", "plugins/customerio/tests"),
)
"""What concerns the modules that are compiled."""

CAN_COMPILE = (
    shutil.which(str(sysconfig.get_config_var("CC")).split()[0]) is not None
    and Path(sysconfig.get_path("include"), "Python.h").exists()
)


def modules(name: str) -> list[str]:
    """Return the modules that a distribution asks to have compiled."""
    text = (SOURCES[name] / "pyproject.toml").read_text("utf-8")
    wheel = tomllib.loads(text)["tool"]["hatch"]["build"]["targets"]["wheel"]
    found: list[str] = wheel["hooks"]["custom"]["modules"]
    return found


@pytest.mark.skipif(not CAN_COMPILE, reason="there is no C compiler, or no header of Python's")
@pytest.mark.timeout(600)
def test_what_is_compiled_does_the_same(tmp_path: Path) -> None:
    """The tests of those modules pass on them, where there are no other sources."""
    compiled = build(tmp_path / "dist", *SOURCES.values(), HATCH_BUILD_HOOKS_ENABLE="1")
    for name, wheel in compiled.items():
        check_contents(name, wheel)
    environment = Environment(tmp_path / "env", tmp_path / "dist")
    environment.must("pip", "install", "--no-deps", *map(str, compiled.values()))
    assert environment.must("destinations", "--version").strip().endswith(" (compiled)")
    for module in [one for name in SOURCES for one in modules(name)]:
        dotted = module.removesuffix(".py").replace("/", ".")
        where = environment.must("python", "-c", f"import {dotted} as m; print(m.__file__)")
        assert where.strip() == str(environment.site / module.replace(".py", SUFFIX))
    copy = tmp_path / "copy"
    for one in ("tests", "plugins/customerio", "benchmarks", "docs"):
        ignored = shutil.ignore_patterns("node_modules", "compiled", "__pycache__")
        shutil.copytree(ROOT / one, copy / one, ignore=ignored)
    shutil.rmtree(copy / "plugins/customerio/destination_customerio")
    for one in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / one, copy)
    environment.must("python", "-m", "pytest", "-q", "-p", "no:xdist", *TESTED, cwd=copy)


def check_contents(name: str, wheel: Path) -> None:
    """Find each extension beside its source, and nothing new in the source tree."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    extensions = {one for one in names if one.endswith(SUFFIX)}
    assert extensions == {one.replace(".py", SUFFIX) for one in modules(name)}
    assert set(modules(name)) < set(names)
    assert "none-any" not in wheel.name
    assert not [*SOURCES[name].glob(f"{name}/**/*.c"), *SOURCES[name].glob(f"{name}/**/*.so")]


def test_the_compiler_of_a_source_distribution_comes_with_it(tmp_path: Path) -> None:
    """A wheel can be compiled from it; plugins have the very hook that the core has."""
    hook = (ROOT / "hatch_build.py").read_bytes()
    assert (SOURCES["destination_customerio"] / "hatch_build.py").read_bytes() == hook
    for name, source in SOURCES.items():
        command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
        subprocess.run(command, cwd=source, check=True, capture_output=True)
        (archive,) = tmp_path.glob(f"{name}*.tar.gz")
        shutil.unpack_archive(archive, tmp_path)
        assert (tmp_path / archive.name.removesuffix(".tar.gz") / "hatch_build.py").exists()
