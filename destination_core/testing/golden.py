"""Golden requests: one readable JSON file per case, the event that came in and what went out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from destination_core.testing.expectation import expect


class Golden:
    """The files of one folder; with ``update`` they are written instead of compared.

    A file that is empty, missing, or used by no case is a failure: a test that compares nothing
    proves nothing.
    """

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def check(self, name: str, event: Mapping[str, Any], requests: Sequence[Any]) -> None:
        """Compare the requests of a case with its file; raises ``AssertionError``."""
        expect(requests, f"{name}: nothing was sent; a golden file of nothing proves nothing")
        path = self._folder / f"{name}.json"
        seen = json.loads(json.dumps({"event": event, "requests": list(requests)}, default=str))
        if self._update:
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(seen, indent=2, ensure_ascii=False, sort_keys=True)
            path.write_text(text + "\n", "utf-8")
            return
        hint = "run pytest with --update-requests, and read what it wrote"
        expect(path.is_file(), f"{path} is missing; {hint}")
        text = path.read_text("utf-8")
        expect(text.strip(), f"{path} is empty; {hint}")
        wanted = json.loads(text)
        expect(wanted["requests"], f"{path} holds no request; {hint}")
        expect(seen == wanted, f"{name}: not the requests of {path}; if they are right, {hint}")

    def unused(self, names: Sequence[str]) -> list[Path]:
        """Return the files that belong to no case."""
        if not self._folder.is_dir():
            return []
        return sorted(one for one in self._folder.glob("*.json") if one.stem not in names)
