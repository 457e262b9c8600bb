"""Results of the hosted engine, in the form in which ours are compared with them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.conformance.verdict import Vector

NOT_SUBSCRIBED: Final = "not subscribed"
UNSAID: Final = "nothing said: to be tried again"
MISMATCH: Final = "Payload is either invalid or does not match the subscription"
MISSING: Final = "MultiStatusResponse is missing a response at the specified index"

ANSWERED: Final = frozenset({"request", "requests_sequence", "http_error"})
"""Handlers of batches that return a response, or the error of one: all that is said is a status."""

MEMBERS: Final = ("requests", "calls", "token_refreshes", "completions", "settings_after")
"""What results and errors have beside how events were settled."""


def wanted(vector: Vector) -> Vector:
    """Bring what was recorded into the form that a run gives."""
    given = vector["input"]
    part = "error" if "error" in vector else "expect"
    said = dict(vector[part])
    if _is_refreshed_in_vain(said):  # REQ-09
        requests, calls, kept = said["requests"], said["calls"], said["token_refreshes"]
        refreshes = sum(one["call"] == "refreshAccessToken" for one in calls)
        sends = "request" in given["definition"]["authentication"]["refreshAccessToken"]
        said["requests"] = requests[:-1] if sends else requests
        said["calls"] = calls[:-1]
        said["token_refreshes"] = kept[: refreshes - 1]
    if len(given.get("subscriptions") or []) > 1:  # they run side by side
        said["requests"] = in_any_order(said["requests"])
        said["calls"] = in_any_order(said["calls"])
    if "settings_after" in said:  # REQ-10
        said["settings_after"] = given["settings"]
    if given["call"] != "onEvent":  # one for each event here, one for all of them there
        said.pop("completions", None)
    if "completions" in said:
        invalid = said.get("category") == "payload_validation"
        said["completions"] = [_completion(one, words=invalid) for one in said["completions"]]
    if part == "expect":
        members = {key: said[key] for key in MEMBERS if key in said}
        said = {"settled": _settled(given, said["result"]), **members}
    return {**vector, part: said}


def codes(vector: Vector) -> set[str]:
    """Return the codes of what was brought into another form."""
    said = vector.get("error") or vector["expect"]
    made = {"REQ-09"} if _is_refreshed_in_vain(said) else set()
    made |= {"REQ-10"} if vector.get("deviation") == "REQ-10" else set()
    items = [
        item
        for one in said.get("result") or []
        if isinstance(one, Mapping)
        for item in one.get("multistatus") or []
    ]
    made |= {"REQ-UNSAID"} if any(one.get("errormessage") == MISSING for one in items) else set()
    return made


def argued(vector: Vector) -> str:
    """Return the code that explains the whole difference, for vectors that are no candidates."""
    if vector.get("deviation_candidate"):
        return ""
    given = vector["input"]
    actions = given["definition"]["actions"]
    named = [one.get("partnerAction") for one in given.get("subscriptions") or []]
    named = [given["action"]] if given["call"] == "executeBatch" else named
    if any(one not in actions for one in named):
        return "CIO-22"
    if given["call"] == "onEvent":
        return "CIO-31" if len(named) > 1 else ""
    if any("performBatch" not in actions[one] for one in named):
        return "REQ-NO-BATCH"
    if len(named) > len(set(named)):
        return "CIO-BATCHES"
    answers = [actions[one]["performBatch"].get("items") or () for one in named]
    said = vector.get("error") or vector["expect"]
    asked = [one["payload"] for one in said.get("calls") or () if one["call"] == "performBatch"]
    most = max(map(len, asked), default=len(given["events"]))
    too_many = any(len(items) > most for items in answers)
    return "REQ-TOO-MANY" if too_many else ""


def kind_of(given: Vector, subscription: Vector) -> str:
    """Return what the handler of a subscription's action does."""
    action = given["definition"]["actions"].get(subscription.get("partnerAction")) or {}
    handler = action.get("perform" if given["call"] == "onEvent" else "performBatch") or {}
    kind: str = handler.get("kind", "")
    return kind


def executed(given: Vector, subscription: Vector, answer: Any) -> Any:
    """Say that an action was executed, with the answer where it returns one (REQ-RETURNED)."""
    kind = kind_of(given, subscription)
    return {"data": answer} if kind in {"request", "requests_sequence"} else "executed"


def without_bisection(
    calls: Sequence[dict[str, Any]], marks: Sequence[int], requests: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """Drop the calls for the halves of a batch that was refused as a whole, with their requests.

    ``marks`` says how many requests there were before each call.
    """
    kept: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for call, start, end in zip(calls, marks, [*marks, len(requests)][1:], strict=True):
        halves = call["call"] == "performBatch" and any(
            len(call["payload"]) < len(one["payload"])
            and all(payload in one["payload"] for payload in call["payload"])
            for one in kept
            if one["call"] == "performBatch"
        )
        if not halves:
            kept.append(call)
            shown += requests[start:end]
    return kept, shown, len(kept) < len(calls)


def in_any_order(items: Sequence[Any]) -> list[Any]:
    """Return what was done side by side in an order of its own."""
    return sorted(items, key=lambda one: json.dumps(one, sort_keys=True, default=str))


def _is_refreshed_in_vain(said: Vector) -> bool:
    """Tell whether the last thing done was a refresh that nothing was tried with (REQ-09)."""
    calls = said.get("calls") or []
    refreshes = [one for one in calls if one["call"] == "refreshAccessToken"]
    return len(refreshes) > 1 and calls[-1]["call"] == "refreshAccessToken"


def _completion(given: Vector, *, words: bool) -> dict[str, Any]:
    """Keep the last of the outputs: the steps before it are the hosted engine's own.

    Of a success it says nothing there. ``words`` keeps those of an error, which are the same only
    where a payload is not valid.
    """
    output = given["output"]
    last = {"output": "Action Executed"} if output is None else output[-1]
    if "error" in last and not words:
        last = {"error": {}}
    return {"action": given["action"], "output": [last]}


def _settled(given: Vector, result: Sequence[Any]) -> list[Any]:
    subscriptions = given.get("subscriptions") or []
    if given["call"] == "executeBatch":
        one = {"partnerAction": given["action"]}
        return [[_item(given, one, item) for item in result]]
    if given["call"] == "onBatch":
        return [_many(given, *pair) for pair in zip(subscriptions, result, strict=True)]
    settled: list[Any] = []
    for one in result:
        if one.get("output") == NOT_SUBSCRIBED:
            settled.append(NOT_SUBSCRIBED)
        elif one.get("output") == "Action Executed":
            settled.append(executed(given, subscriptions[len(settled)], one.get("data")))
    return settled


def _many(given: Vector, subscription: Vector, result: Vector) -> list[Any]:
    if "multistatus" not in result:  # CIO-23
        return [result.get("output")]
    return [_item(given, subscription, one) for one in result["multistatus"]]


def _item(given: Vector, subscription: Vector, item: Vector) -> Any:
    said = item.get("errormessage")
    if said == MISMATCH:
        return NOT_SUBSCRIBED
    if said == MISSING:
        return UNSAID
    if said is None and item["status"] < 400:
        return "delivered"
    if said is None:
        return {"status": item["status"]}
    return {key: item[key] for key in ("status", "errortype", "errormessage")}
