"""Read a page, and do what it says: write its files, run its commands, compare what they print."""

import ast
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.packaging.environment import SECONDS, Environment

BLOCK = re.compile(
    r"(?P<notes>(?:<!-- [^\n]* -->\n)*)^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
NOTE = re.compile(r"<!-- (file|part of|append to|function in|replace in|by)(?:: (\S+))? -->")
PORT = "127.0.0.1:4242"
"""Where a page says that a server listens; a test takes a free port."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Block:
    """A block of a page: what is to be done with its text, and with which file."""

    line: int
    language: str
    text: str
    deed: str
    file: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page, in order; one that nothing is done with is an error."""
    for match in BLOCK.finditer(page):
        line = page.count("\n", 0, match.start("language")) + 1
        note = NOTE.search(match["notes"])
        deed, file = (note[1], note[2] or "") if note else ("", "")
        if match["language"] == "console":
            deed = "run"
        assert deed, f"line {line}: a block of {match['language']} that no test runs"
        yield Block(line, match["language"], match["text"], deed, file)


class Reader:
    """Somebody who follows a page, in a folder of an environment."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.commands: list[str] = []
        self._background: list[subprocess.Popen[str]] = []
        self._place = PORT
        self._old = ""

    def follow(self, page: str) -> None:
        """Do everything that a page says."""
        try:
            for block in blocks(page):
                getattr(self, f"_{block.deed.replace(' ', '_')}")(block)
        finally:
            for process in self._background:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=SECONDS)

    def _file(self, block: Block) -> None:
        (self.folder / block.file).write_text(block.text, "utf-8")

    def _append_to(self, block: Block) -> None:
        with (self.folder / block.file).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}")

    def _part_of(self, block: Block) -> None:
        text = (self.folder / block.file).read_text("utf-8")
        assert block.text in text, f"line {block.line}: {block.file} is not like this"

    def _function_in(self, block: Block) -> None:
        """Put a function in the place of the one of its name."""
        path = self.folder / block.file
        text = path.read_text("utf-8")
        (new,) = ast.parse(block.text).body
        assert isinstance(new, FUNCTIONS)
        (old,) = [
            one for one in ast.parse(text).body
            if isinstance(one, FUNCTIONS) and one.name == new.name
        ]  # fmt: skip
        lines = text.splitlines(keepends=True)
        start = min(one.lineno for one in (old, *old.decorator_list)) - 1
        lines[start : old.end_lineno] = [block.text]
        path.write_text("".join(lines), "utf-8")

    def _replace_in(self, block: Block) -> None:
        self._old, self._file_to_change = block.text, self.folder / block.file

    def _by(self, block: Block) -> None:
        text = self._file_to_change.read_text("utf-8")
        assert text.count(self._old) == 1, f"line {block.line}: not once in the file"
        self._file_to_change.write_text(text.replace(self._old, block.text), "utf-8")

    def _run(self, block: Block) -> None:
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            self.commands.append(command)
            where = f"line {block.line}: {command}"
            _compare(self._printed(command, where), printed.splitlines(), where)

    def _printed(self, command: str, where: str) -> str:
        """Run a command in a shell; where it changes the folder or exports, so does the next."""
        if command.endswith("&"):
            return self._start(command.removesuffix("&"))
        command = command.replace(PORT, self._place)
        state = self.environment.home / "state"
        done = subprocess.run(
            ["bash", "-c", f"set -e; {command}\npwd > {state}; export >> {state}"],
            cwd=self.folder, env={**self.environment.variables, **self.variables},
            capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
        folder, *exported = state.read_text().splitlines()
        self.folder = Path(folder)
        for line in exported:
            if match := re.fullmatch(r'declare -x (ACME_\w+)="(.*)"', line):
                self.variables[match[1]] = match[2]
        return done.stdout + done.stderr

    def _start(self, command: str) -> str:
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {command} --port 0"],
            cwd=self.folder, env={**self.environment.variables, **self.variables},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._background.append(process)
        assert process.stdout is not None
        said = ""
        while "listening on http://" not in said:
            line = process.stdout.readline()
            assert line, f"{command} ended: {said}"
            said += line
        self._place = said.rsplit("listening on http://", 1)[1].split(",")[0]
        return said.replace(self._place, PORT)


def _compare(printed: str, wanted: list[str], where: str) -> None:
    """Every line is there, one after the other; "..." stands for any number of lines."""
    lines, position, is_free = printed.splitlines(), 0, not wanted
    for one in wanted:
        if one == "...":
            is_free = True
            continue
        if is_free:
            assert one in lines[position:], f"{where}\nno line {one!r} in\n{printed}"
            position = lines.index(one, position)
        found = lines[position] if position < len(lines) else None
        assert found == one, f"{where}\nwanted {one!r}, got {found!r} in\n{printed}"
        position, is_free = position + 1, False
    assert is_free or position == len(lines), f"{where}\nthere is more:\n{printed}"
