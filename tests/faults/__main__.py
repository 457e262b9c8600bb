"""Run faults: ``python -m tests.faults [F1 F6 ...] [--size long] [--write PAGE] [--json FILE]``.

``--seen FILE ...`` takes what earlier runs wrote with ``--json`` instead of running anything.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import page
from tests.faults.catalogue import FAULTS
from tests.faults.fault import Fault, Size, Unavailable


def main() -> int:
    """Run what was asked for; return 1 when a demand did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("ids", nargs="*", metavar="ID", help="by default all")
    parser.add_argument("--size", type=Size, choices=list(Size), default=Size.SHORT)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page of figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--seen", type=Path, nargs="+", metavar="FILE", help="take earlier runs")
    options = parser.parse_args()
    known = {one.id: one for one in FAULTS}
    unknown = [one for one in options.ids if one not in known]
    if unknown:
        parser.error(f"{', '.join(unknown)}: unknown; there are {', '.join(known)}")
    runs = [
        page.Run.of(known[name], said)
        for path in options.seen or ()
        for name, said in json.loads(path.read_text("utf-8")).items()
    ]
    chosen = [known[one] for one in options.ids]
    for fault in chosen or ([] if options.seen else FAULTS):
        runs.append(_run(fault, options.size))
        print(page.text(runs[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(page.as_json(runs), indent=1), "utf-8")
    if options.write:
        old = options.write.read_text("utf-8") if options.write.exists() else ""
        options.write.write_text(page.markdown(runs, old), "utf-8")
    return int(any(one.result is not None and one.result.failed for one in runs))


def _run(fault: Fault, size: Size) -> page.Run:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"{fault.id}-") as folder:
        try:
            result = asyncio.run(fault.run(size, Path(folder)))
        except Unavailable as error:
            return page.Run(fault, size, time.monotonic() - began, unavailable=str(error))
    # two cores are busy at 2; figures of speed mean little beyond
    result.figures["load of the machine"] = round(os.getloadavg()[1])
    return page.Run(fault, size, time.monotonic() - began, result)


if __name__ == "__main__":
    sys.exit(main())
