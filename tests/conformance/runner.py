"""Run each vector, judge what came out."""

import importlib
from collections.abc import Callable, Mapping

from tests.conformance.compare import Difference, difference, error_difference
from tests.conformance.deviations import listed
from tests.conformance.verdict import Result, Vector, Verdict


def judge(vector: Vector, *, strict: bool = False) -> Verdict:
    """Run one vector through the public engine and judge the result."""
    kind = importlib.import_module(f"tests.conformance.{vector['kind']}")
    run: Callable[[Vector], Result] = kind.run
    result = run(vector)
    # a kind may bring vector and result into a common form first, by listed normalisations
    vector = getattr(kind, "wanted", _as_it_is)(vector)
    name, feature = vector["id"], vector["feature"]
    if result.skipped is not None:
        return Verdict(name, feature, "skipped", reason=result.skipped)
    unlisted = result.deviations - listed()
    if unlisted:
        return Verdict(name, feature, "failed", reason=f"{sorted(unlisted)} not in deviations.md")
    found = _against(vector, result, strict=strict)
    if found is None:
        if result.deviations:
            return Verdict(name, feature, "deviating", code=",".join(sorted(result.deviations)))
        return Verdict(name, feature, "passed")
    if result.argued in listed():
        return Verdict(name, feature, "deviating", code=result.argued)
    code = vector.get("deviation", "")
    if vector.get("deviation_candidate") and code in listed():
        better = vector.get("suggested")
        found = found if better is None else _against(better, result, strict=False, partial=True)
        if better is None or found is None:
            return Verdict(name, feature, "deviating", code=code)
    return Verdict(name, feature, "failed", code, found.place, wanted=found.wanted, got=found.got)


def judge_whatever(vector: Vector, *, strict: bool = False) -> Verdict:
    """Judge a vector; what breaks the engine on it is the verdict, and no reason to stop."""
    try:
        return judge(vector, strict=strict)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what we look for
        return Verdict(vector["id"], vector["feature"], "failed", place="/", got=repr(error))


def _as_it_is(vector: Vector) -> Vector:
    return vector


def _against(
    wanted: Vector, result: Result, *, strict: bool, partial: bool = False
) -> Difference | None:
    if "error" in wanted:
        return error_difference(wanted["error"], result.error, strict=strict)
    if result.error is not None:
        return Difference("/expect", wanted.get("expect"), {"error": result.error})
    expect, got = wanted.get("expect"), result.expect
    if partial and isinstance(expect, Mapping) and isinstance(got, Mapping):
        got = {key: value for key, value in got.items() if key in expect}
    return difference(expect, got)
