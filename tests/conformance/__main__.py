"""Run vector files: ``python -m tests.conformance FILE... [--strict] [--show N] [--only TEXT]``."""

import argparse
import io
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conformance.reading import read
from tests.conformance.runner import judge_whatever
from tests.conformance.verdict import Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge every vector of the files; return 0 when none failed.

    Returns 1 when any failed, a line was damaged, or there was none; 2 when a file is not there.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a vector may hold half a character
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _options(arguments)
    verdicts: dict[str, list[Verdict]] = defaultdict(list)
    missing = False
    for file in options.files:
        try:
            _judge(file, options, verdicts)
        except OSError as error:
            missing = True
            print(f"{file} cannot be opened: {error.strerror or error}", file=sys.stderr)
    for kind, judged in verdicts.items():
        _report(kind, judged, options.show)
    if not verdicts:
        print("0 vectors")
    failed = any(one.kind == "failed" for many in verdicts.values() for one in many)
    return 2 if missing else 1 if failed or not verdicts else 0


def _judge(file: Path, options: argparse.Namespace, verdicts: dict[str, list[Verdict]]) -> None:
    for one in read(file):
        if isinstance(one, Verdict):
            verdicts["damaged"].append(one)
        elif options.only in one["id"]:
            verdicts[one["kind"]].append(judge_whatever(one, strict=options.strict))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--strict", action="store_true", help="compare messages and codes too")
    parser.add_argument("--show", type=int, default=20, help="failures to show per kind")
    parser.add_argument("--only", default="", help="only vectors whose id contains this text")
    return parser.parse_args(arguments)


def _report(kind: str, judged: Sequence[Verdict], show: int) -> None:
    counts = Counter(one.kind for one in judged)
    print(
        f"{kind}: {counts['passed']} passed, {counts['deviating']} deviating as listed, "
        f"{counts['failed']} failed" + (f", {counts['skipped']} not run" * bool(counts["skipped"]))
    )
    codes = Counter(one.code for one in judged if one.kind == "deviating")
    if codes:
        print("  deviating: " + ", ".join(f"{code} {n}" for code, n in sorted(codes.items())))
    for reason, n in Counter(one.reason for one in judged if one.kind == "skipped").items():
        print(f"  not run: {n}, {reason}")
    for one in [one for one in judged if one.kind == "failed"][:show]:
        print(f"  FAILED {one.vector} at {one.place or '/'} {one.code} {one.reason}")
        print(f"    wanted {_short(one.wanted)}")
        print(f"    got    {_short(one.got)}")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 300 else text[:297] + "..."


if __name__ == "__main__":
    sys.exit(main())
