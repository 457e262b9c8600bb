"""The wheels, built once, and an environment with that of the core."""

from pathlib import Path

import pytest

from tests.packaging.environment import PLUGINS, ROOT, Environment, build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build every wheel."""
    sources = [ROOT, *(ROOT / "plugins" / one for one in PLUGINS)]
    return build(tmp_path_factory.mktemp("dist"), *sources)


@pytest.fixture
def environment(tmp_path: Path, wheels: dict[str, Path]) -> Environment:
    """Install the core's wheel alone into an empty environment."""
    core = wheels["destination_core"]
    made = Environment(tmp_path / "env", core.parent)
    made.must("pip", "install", "--no-deps", str(core))
    return made
