"""Golden requests: one readable JSON file per case, the event that came in and what went out."""

import difflib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from destination_core.testing.expectation import expect

HINT: Final = "run pytest with --update-requests, and read what it wrote"

LONGEST_DIFFERENCE: Final = 60
"""Lines of a difference that are shown."""


class Golden:
    """The files of one folder; with ``update`` they are written instead of compared.

    Case ``NAME`` is the file ``NAME.json``; an action may have more of them, ``ACTION.CASE.json``,
    each with an event of its own. A file that is empty, missing, or used by no case is a failure:
    a test that compares nothing proves nothing.
    """

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def check(
        self, name: str, event: Mapping[str, Any], requests: Sequence[Any], **more: Sequence[Any]
    ) -> None:
        """Compare the requests of a case with its file; raises ``AssertionError``.

        ``more`` are other lists of requests that belong to the case, such as those of a batch.
        """
        for kind, sent in {"requests": requests, **more}.items():
            expect(sent, f"{name}: {kind} are none; a golden file of nothing proves nothing")
        path = self._folder / f"{name}.json"
        seen = _text({"event": event, "requests": requests, **more})
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(seen, "utf-8")
            return
        wanted = self._read(path)
        expect(wanted.get("requests"), f"{path} holds no request; {HINT}")
        expect(
            seen == _text(wanted),
            f"{name}: not the requests of {path}; if they are right, {HINT}\n"
            f"{_difference(_text(wanted), seen)}",
        )

    def event(self, name: str) -> dict[str, Any]:
        """Return the event that the file of a case holds; raises ``AssertionError``."""
        path = self._folder / f"{name}.json"
        event = self._read(path).get("event")
        expect(isinstance(event, dict), f'{path} holds no "event"; write one, then {HINT}')
        return dict(event or {})

    def cases(self, action: str) -> list[str]:
        """Return the cases of an action: its own, and those that have a file beside it."""
        more = sorted(one.stem for one in self._folder.glob(f"{action}.*.json"))
        return [action, *more]

    def unused(self, actions: Collection[str]) -> list[Path]:
        """Return the files that belong to no action."""
        files = sorted(self._folder.glob("*.json"))
        return [one for one in files if one.stem.partition(".")[0] not in actions]

    def _read(self, path: Path) -> dict[str, Any]:
        expect(path.is_file(), f"{path} is missing; {HINT}")
        text = path.read_text("utf-8")
        expect(text.strip(), f"{path} is empty; {HINT}")
        try:
            read = json.loads(text)
        except ValueError as error:
            raise AssertionError(f"{path} is not JSON: {error}; {HINT}") from error
        expect(isinstance(read, dict), f"{path} is not a JSON object; {HINT}")
        return dict(read)


def _text(case: Mapping[str, Any]) -> str:
    """Write a case as it is kept: 1, 1.0 and true are not the same here."""
    parts = {key: json.loads(json.dumps(value, sort_keys=True)) for key, value in case.items()}
    return json.dumps(parts, indent=2, ensure_ascii=False) + "\n"


def _difference(wanted: str, seen: str) -> str:
    lines = list(
        difflib.unified_diff(
            wanted.splitlines(), seen.splitlines(), "golden", "sent", lineterm="", n=2
        )
    )
    cut = ["..."] if len(lines) > LONGEST_DIFFERENCE else []
    return "\n".join(lines[:LONGEST_DIFFERENCE] + cut)
