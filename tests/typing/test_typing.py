"""Programs that type checkers accept, and programs that they must refuse.

What is refused stands below a line ``# refused from here``: there must be a fault, and none above.
"""

import fcntl
import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYRIGHT = HERE / "pyright"
MARK = "# refused from here"

AUTHORS = [ROOT / "tests" / name for name in ("acme.py", "outreach.py", "ledger.py")]
ACCEPTED = [*AUTHORS, *sorted((HERE / "accepted").glob("*.py"))]
REFUSED = sorted((HERE / "refused").glob("*.py"))

Faults = dict[Path, dict[int, str]]


def mypy(files: Sequence[Path], folder: Path) -> Faults:
    """Return the faults that `mypy --strict` finds, by file and line."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
    ]
    command += ["--cache-dir", str(folder / "cache"), "--show-absolute-path", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    found: Faults = defaultdict(dict)
    for path, line, said in re.findall(r"^(.+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE):
        found[Path(path)][int(line)] = said
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return found


def pyright(files: Sequence[Path], _: Path) -> Faults:
    """Return the faults that pyright finds; it is installed the first time."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: pyright cannot be tried")
    with (PYRIGHT / ".lock").open("w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (PYRIGHT / "node_modules" / "pyright" / "index.js").exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
            subprocess.run(command, cwd=PYRIGHT, check=True, timeout=200)
    program = str(PYRIGHT / "node_modules" / "pyright" / "index.js")
    command = ["node", program, "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    found: Faults = defaultdict(dict)
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == len(files), done.stdout
    for one in said["generalDiagnostics"]:
        if one["severity"] == "error":
            found[Path(one["file"])][one["range"]["start"]["line"] + 1] = one["message"]
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_authors_programs_are_accepted_and_mistakes_refused(
    checker: Callable[[Sequence[Path], Path], Faults], tmp_path: Path
) -> None:
    """Each mistake has a fault in its own lines; the right programs have none."""
    faults = checker([*ACCEPTED, *REFUSED], tmp_path)
    for path in ACCEPTED:
        assert faults.get(path, {}) == {}, path.name
    for path in REFUSED:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
        mark = lines.index(MARK) + 1
        found = faults.get(path, {})
        assert found, f"{path.stem}: it was accepted"
        assert min(found) > mark, f"{path.stem}: {found}"
