"""Compiled wheels: the same sources as extension modules, which do the same."""

import os
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
    *("tests/properties/test_batching.py", "tests/properties/test_schema.py"),
    "plugins/customerio/tests",
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
        unpacked = tmp_path / archive.name.removesuffix(".tar.gz")
        assert (unpacked / "hatch_build.py").exists()
        assert not list(unpacked.glob("*/*/hatch_build.py"))
        assert not (unpacked / "plugins").exists()


TINY = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "tiny"
version = "1.0"
[tool.hatch.build.targets.wheel]
packages = ["tiny"]
[tool.hatch.build.targets.wheel.hooks.custom]
modules = ["tiny/one.py"]
"""


def build_tiny(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Build the wheel of a package with one module, with the hook."""
    (folder / "tiny").mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(TINY)
    (folder / "tiny/one.py").write_text("def one():\n    return 1\n")
    shutil.copy(ROOT / "hatch_build.py", folder)
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=folder, check=False, capture_output=True, text=True, env={**os.environ, **variables},
    )  # fmt: skip


@pytest.mark.skipif(not CAN_COMPILE, reason="there is no C compiler, or no header of Python's")
def test_what_is_compiled_depends_on_no_variable(tmp_path: Path) -> None:
    """CFLAGS of the environment would take the place of Python's own, -O3 among them."""
    made = []
    for name, flags in (("without", {}), ("with", {"CFLAGS": "-O0 -g"})):
        done = build_tiny(tmp_path / name, **flags)
        assert done.returncode == 0, done.stdout + done.stderr
        (wheel,) = tmp_path.glob(f"{name}/dist/*.whl")
        with zipfile.ZipFile(wheel) as archive:
            made.append(archive.read(f"tiny/one{SUFFIX}"))
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CC": "no-such-compiler"}, "a C compiler and Python's headers are needed"),
        ({"PYTHONPATH": "hidden"}, "No module named 'Cython': install cython and setuptools"),
    ],
    ids=["compiler", "cython"],
)
def test_what_is_missing_for_compiling_is_one_sentence(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    """With what to do about it, and without a traceback."""
    hidden = tmp_path / "build/hidden/Cython"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError(\"No module named 'Cython'\")")
    done = build_tiny(tmp_path / "build", **variables)
    assert done.returncode == 1
    assert said in done.stderr
    assert "or build without HATCH_BUILD_HOOKS_ENABLE" in done.stderr
    assert "Traceback" not in done.stderr
