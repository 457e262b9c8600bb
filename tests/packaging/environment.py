"""An empty environment, as a stranger has one: wheels, no source tree."""

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(one.parent.name for one in ROOT.glob("plugins/*/pyproject.toml"))

SECONDS = 250
"""After which a command is given up."""


def build(out: Path, *sources: Path, **variables: str) -> dict[str, Path]:
    """Build the wheels of distributions; return them by name."""
    for source in sources:
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
        done = subprocess.run(
            [*command, str(source)],
            capture_output=True, text=True, check=False, env={**os.environ, **variables},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}


class Environment:
    """A virtual environment that sees this one's third-party packages, and nothing else of it.

    Its home is a folder of its own; commands find `pip` and `destinations` in it by name. ``pip``
    looks nowhere but in the folder of ``wheels``, and builds with what is there.
    """

    def __init__(self, path: Path, wheels: Path) -> None:
        venv.create(path, symlinks=True)
        self.home = path
        self.bin = path / "bin"
        self.python = self.bin / "python"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.site = path / "lib" / version / "site-packages"
        self.variables = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(path),
            "MYPY_CACHE_DIR": str(wheels.with_name("mypy")),  # third-party packages are the same
            "NO_COLOR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say: without isolation
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com",
        }  # fmt: skip
        self._borrow()

    def _borrow(self) -> None:
        """Use the third-party packages that are installed here; not our distributions."""
        here = Path(sysconfig.get_path("purelib"))
        for package in here.iterdir():
            if "destination" not in package.name and package.suffix != ".pth":
                target = self.site / package.name
                if not target.exists():
                    target.symlink_to(package)
        for name in ("hatchling", "mypy", "pip", "pytest", "ruff"):
            script = Path(sys.executable).with_name(name)
            text = script.read_bytes()
            own = str(self.python).encode()
            (self.bin / name).write_bytes(
                text.replace(str(script.with_name("python")).encode(), own)
            )
            (self.bin / name).chmod(0o755)

    def run(
        self, *command: str, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever becomes of it."""
        return subprocess.run(
            [str(self.bin / command[0]) if (self.bin / command[0]).exists() else command[0],
             *command[1:]],
            capture_output=True, text=True, cwd=cwd or self.home,
            env={**self.variables, **variables}, check=False, timeout=SECONDS,
        )  # fmt: skip

    def must(self, *command: str, cwd: Path | None = None, **variables: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*command, cwd=cwd, **variables)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    async def later(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command while a server of this process answers it."""
        return await asyncio.to_thread(self.run, *command, **variables)

    def plugins(self) -> dict[str, object]:
        """Return what `destinations plugins --json` finds."""
        answer: dict[str, object] = json.loads(self.run("destinations", "plugins", "--json").stdout)
        return answer
