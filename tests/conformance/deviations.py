"""The deliberate deviations, as listed in ``docs/deviations.md``."""

import re
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "deviations.md"
HEADING = re.compile(r"^### ((?:FQL|MAP|VAL|CIO|REQ)-[A-Z0-9-]+)\b", re.MULTILINE)


@cache
def listed() -> frozenset[str]:
    """Return the codes that have a heading on the page."""
    pages = [PAGE, *sorted((PAGE.parent / "deviations").glob("*.md"))]
    texts = [page.read_text("utf-8") for page in pages if page.exists()]
    return frozenset(code for text in texts for code in HEADING.findall(text))
