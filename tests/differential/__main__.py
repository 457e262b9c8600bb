"""Ask both engines: ``python -m tests.differential --kind mapping --cases 1000 --seed 1``.

The cases are recorded vectors, changed in a few places, or, with ``--made``, made from nothing.
What differs and is not explained by a listed deviation is shown, the smallest case of each sort,
and makes the exit code 1.
"""

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.conformance.reading import KINDS, vectors
from tests.conformance.runner import judge_whatever
from tests.conformance.verdict import Vector, Verdict
from tests.differential.explained import code_of
from tests.differential.made import MAKERS, made
from tests.differential.mutation import Mutations
from tests.differential.peer import INSTALLED, NOT_ASKED, Peer, is_installed

VECTORS: Final = Path(__file__).parents[1] / "conformance" / "vectors"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, report, and return 1 when something differs that is not listed."""
    options = _options(arguments)
    if not is_installed(options.peer):
        print(f"the peer is not installed: npm install --prefix {options.peer}")
        return 2
    found: dict[tuple[str, str], list[tuple[Vector, Verdict]]] = defaultdict(list)
    explained: Counter[str] = Counter()
    with Peer(options.peer) as peer:
        for case in _cases(options):
            verdict = compare(peer, case)
            if verdict is None or verdict.kind != "failed":
                continue
            code = code_of(options.kind, case["input"], verdict)
            explained[code] += bool(code)
            if not code:
                place = re.sub(r"/\d+", "/*", verdict.place)
                found[case["feature"], place].append((case, verdict))
    _report(options.cases, found, +explained)
    return 1 if found else 0


def _cases(options: argparse.Namespace) -> Iterator[Vector]:
    random = Random(options.seed)
    if options.made:
        return made(options.kind, random, options.cases)
    return Mutations(recorded(options.kind), random).cases(options.cases)


def recorded(kind: str) -> list[Vector]:
    """Return the vectors of a kind that show no deviation and that the driver can answer."""
    every = vectors(VECTORS / f"{kind}.jsonl.gz")
    return [
        vector
        for vector in every
        if not vector.get("deviation_candidate") and vector["input"]["op"] not in NOT_ASKED
    ]


def compare(peer: Peer, case: Vector) -> Verdict | None:
    """Judge our answer by the peer's; None when the peer has none."""
    answer = peer.answer(case["kind"], case["input"])
    if "failed" in answer:
        return None
    return judge_whatever({**case, **answer})


def _report(
    count: int,
    found: dict[tuple[str, str], list[tuple[Vector, Verdict]]],
    explained: Counter[str],
) -> None:
    total = sum(map(len, found.values()))
    print(f"{count} cases, {total} unexplained differences, {explained.total()} listed ones")
    if explained:
        print("  listed: " + ", ".join(f"{code} {n}" for code, n in sorted(explained.items())))
    for (feature, place), cases in sorted(found.items(), key=lambda item: -len(item[1])):
        case, verdict = min(cases, key=lambda one: len(_short(one[0]["input"])))
        print(f"\n{len(cases)} of {feature}, at {place or '/'}; the smallest:")
        print(f"  input {_short(case['input'])}")
        print(f"  peer  {_short(verdict.wanted)}\n  ours  {_short(verdict.got)}")


def _short(value: Any) -> str:
    return json.dumps(value, default=repr)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--made", action="store_true", help="make cases that nobody recorded")
    parser.add_argument("--peer", type=Path, default=INSTALLED, help="where its packages are")
    options = parser.parse_args(arguments)
    if options.made and options.kind not in MAKERS:
        parser.error(f"--made has cases of the kinds {', '.join(MAKERS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
