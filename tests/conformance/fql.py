"""Vectors of kind ``fql``: match, parse and generate."""

import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core import fql
from destination_core.errors import InvalidSubscription
from tests.conformance.verdict import Result

REFUSED: Final = re.compile("got None|needs a value|needs a number")
"""What is said of a condition without a name, a value or a number (FQL-28)."""

FIELD_BESIDE_FIELD: Final = re.compile(r"[=<>]\s*(properties|traits|context)\.")


def run(vector: Mapping[str, Any]) -> Result:
    """Run one vector through the public functions of ``destination_core.fql``."""
    given = vector["input"]
    if given["op"] == "generate":
        try:
            made = fql.from_segment(given["ast"]).text
            argued = "FQL-29" if _is_needless(given["ast"]) else ""
            return Result(expect={"fql": made}, argued=argued)
        except InvalidSubscription as error:
            argued = "FQL-28" if REFUSED.search(str(error)) else ""
            return Result(error={"phase": "generate", "messages": [str(error)]}, argued=argued)
    try:
        trigger = fql.parse(given["fql"])
    except InvalidSubscription as error:
        argued = "FQL-27" if FIELD_BESIDE_FIELD.search(given["fql"]) else ""
        return Result(error={"phase": "parse", "messages": [str(error)]}, argued=argued)
    if given["op"] == "parse":
        return Result(expect={"ast": fql.to_segment(trigger)})
    event = given["event"]
    matched = trigger.matches(event)
    # the index must agree, alone and with a neighbour
    found = list(fql.TriggerIndex([trigger, fql.parse('type != "none"'), trigger]).matching(event))
    if (0 in found, 2 in found) != (matched, matched):
        return Result(expect={"matched": f"index says {found}, the trigger {matched}"})
    return Result(expect={"matched": matched})


def _is_needless(group: Mapping[str, Any]) -> bool:
    """Tell whether a group has one within it that means the same without parentheses."""
    inner = [one for one in group.get("children") or [] if one.get("type") == "group"]
    return any(
        one.get("operator") == group.get("operator")
        or len(one["children"]) == 1
        or _is_needless(one)
        for one in inner
    )
