"""What a disk holds after a power loss: a trace of system calls, cut anywhere.

`strace` writes down what a process does to its files, with all bytes. A write is on the disk for
certain when an fsync of its file has returned; before that the disk may have it, or not, or some of
its sectors, in any order. The same goes for the end of a file, and its name.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = "pwrite64,write,sendto,fsync,fdatasync,ftruncate,unlink,unlinkat"

STRACE = ("strace", "-D", "-f", "-qq", "-ttt", "-xx", "-y", "-s", "100000", "-e", f"trace={CALLS}")
"""Run a program under it; `-o FILE` is to follow. Needs strace 5 or newer."""

SECTOR = 512

_LINE = re.compile(r"(\d+) +(\d+\.\d+) (?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)")
_FILE = re.compile(r"\d+<((?:\\x..)*)>")
_LAST = re.compile(r", (\d+)(?=\)| <unfinished)")
_TEXT = re.compile(r'"((?:\\x..)*)"')


@dataclass(frozen=True, slots=True)
class Step:
    """One system call: at ``time`` (Unix seconds), to the file ``name`` ("" is the folder).

    ``call`` is ``write``, ``cut`` (to ``offset``), ``unlink``, ``fsync`` (it has returned) or
    ``send`` (whatever went out on a socket).
    """

    time: float
    call: str
    name: str = ""
    offset: int = 0
    data: bytes = b""


def steps(trace: Path, folder: Path) -> Iterator[Step]:
    """Read a trace: what was done to files in a folder, and what was sent."""
    begun: dict[str, Step] = {}
    with trace.open(encoding="ascii") as lines:
        for line in lines:
            match = _LINE.match(line)
            if match is None:
                continue
            process, time, call, rest = match.groups()
            if "resumed>" in line:
                step = begun.pop(process, None)
            else:
                step = _step(float(time), call, rest, folder)
                if step is not None and step.call == "fsync" and "<unfinished" in rest:
                    begun[process] = step  # not before it has returned
                    continue
            if step is not None:
                yield step


def _step(time: float, call: str, rest: str, folder: Path) -> Step | None:
    texts = [_plain(one) for one in _TEXT.findall(rest)]
    if call == "sendto":
        return Step(time, "send", data=texts[0]) if texts else None
    if call.startswith("unlink"):
        path = Path(texts[0].decode())
        return Step(time, "unlink", path.name) if path.parent == folder else None
    file = _FILE.match(rest)
    path = Path(_plain(file.group(1)).decode()) if file else Path()
    if path == folder:
        return Step(time, "fsync") if "sync" in call else None
    if path.parent != folder:
        return None
    if "sync" in call:
        return Step(time, "fsync", path.name)
    number = int(_LAST.findall(rest)[-1])
    if call == "ftruncate":
        return Step(time, "cut", path.name, number)
    if call == "pwrite64":
        return Step(time, "write", path.name, number, texts[0])
    raise ValueError(f"write to {path} without an offset: {rest[:80]!r}")


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Disk:
    """What is on the disk for certain, and what may be."""

    def __init__(self) -> None:
        self._safe: dict[str, bytearray] = {}
        self._pending: list[Step] = []

    def take(self, step: Step) -> None:
        """Take a step of the process."""
        if step.call in ("write", "cut", "unlink"):
            self._pending.append(step)
        elif step.call == "fsync":
            names = {step.name} if step.name else self._unlinked()
            for one in self._pending:
                if one.name in names:
                    _apply(self._safe, one)
            self._pending = [one for one in self._pending if one.name not in names]

    def _unlinked(self) -> set[str]:
        return {one.name for one in self._pending if one.call == "unlink"}

    def write(self, folder: Path, chance: random.Random | None) -> None:
        """Write the files as they are found after a power loss now.

        Without ``chance`` the disk has only what is certain; with it, what else it has is random.
        """
        found = {name: bytearray(content) for name, content in self._safe.items()}
        for one in self._pending if chance else ():
            assert chance is not None
            luck = chance.random()
            if one.call == "write" and luck < 0.4:
                for start in range(0, len(one.data), SECTOR):
                    if chance.random() < 0.5:
                        part = one.data[start : start + SECTOR]
                        _apply(found, Step(one.time, "write", one.name, one.offset + start, part))
            elif luck < 0.7:
                _apply(found, one)
        for name, content in found.items():
            (folder / name).write_bytes(content)


def _apply(files: dict[str, bytearray], step: Step) -> None:
    if step.call == "unlink":
        files.pop(step.name, None)
        return
    content = files.setdefault(step.name, bytearray())
    end = step.offset if step.call == "cut" else step.offset + len(step.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if step.call == "cut":
        del content[end:]
    else:
        content[step.offset : end] = step.data
