"""Vectors of operation ``destination``: a destination described by data is given events.

Compared are the requests, what the handlers were given, the tokens that were kept, and how every
event was settled, with the codes and words of what was wrong. Normalisations are listed in
``docs/deviations/request.md``; each is a code on the result.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import destination_core as dc
from tests.conformance import client, recorded
from tests.conformance.authored import Authored, OAuthPlugin, Plugin, Thrown, error_of
from tests.conformance.verdict import Result, Vector

__all__ = ["Thrown", "error_of", "run", "wanted"]


SYNC_MODE: Final = "__segment_internal_sync_mode"
MODES: Final = ("add", "update", "upsert", "delete", "mirror")

wanted = recorded.wanted


class Tokens(dc.MemoryTokens):
    """Notes which tokens are kept: what the hosted engine calls ``onTokenRefresh`` with."""

    def __init__(self, given: dc.AccessToken | None, authored: Authored) -> None:
        super().__init__({} if given is None else {"authored": given})
        self._authored = authored
        self.kept: list[dict[str, str]] = []

    async def save(self, connection: str, origin: str, token: dc.AccessToken) -> None:
        """Keep the token of a connection."""
        await super().save(connection, origin, token)
        made = self._authored.made or token
        again = {} if made.refresh_token is None else {"refreshToken": made.refresh_token}
        value = {} if token.value == "undefined" else {"accessToken": token.value}
        self.kept.append({**value, **again})


class Completions:
    """An ambient plugin: sees what becomes of every subscription."""

    def __init__(self, subscriptions: Sequence[Vector]) -> None:
        self._actions = [one.get("partnerAction") for one in subscriptions]
        self.seen: list[dict[str, Any]] = []

    @dc.hookimpl
    def event_planned(self, event: dc.Event, plan: dc.Plan) -> None:
        planned = {step.subscription for step in plan.steps}
        for number, action in enumerate(self._actions):
            if str(number) not in planned:
                self.seen.append({"action": action, "output": [{"output": "not subscribed"}]})

    @dc.hookimpl
    def delivery_settled(self, delivery: dc.Delivery) -> None:
        said: dict[str, Any] = {"output": "Action Executed"}
        if delivery.error is not None:
            words = {} if delivery.attempts else {"message": said_of(delivery.error)}
            said = {"error": words}
        self.seen.append({"action": delivery.action, "output": [said]})


class Run:
    """One destination with its subscriptions, and what came of a call."""

    def __init__(self, given: Vector) -> None:
        self.given = given
        self.codes: set[str] = set()
        self.authored = Authored(given["definition"])
        self.transport = client.Transport(
            given.get("responses"), waits=bool(client.signals_of(given)) or _waits(given)
        )
        self.authored.sent = self.transport.requests
        self.settings = self._settings()
        self.subscriptions = self._subscriptions()
        self.completions = Completions(self.subscriptions)
        oauth = (given.get("settings") or {}).get("oauth") or {}
        token = oauth.get("access_token")
        self.tokens = Tokens(
            dc.AccessToken(token, oauth.get("refresh_token")) if token else None, self.authored
        )

    def _subscriptions(self) -> list[dict[str, Any]]:
        given = self.given
        if given["call"] == "executeBatch":  # which asks no trigger
            one = {"partnerAction": given["action"], "subscribe": 'type != "-"'}
            return [{**one, "mapping": self._mapping(given["action"], given.get("mapping") or {})}]
        return [
            {**one, "mapping": self._mapping(one.get("partnerAction"), one.get("mapping") or {})}
            for one in given["subscriptions"]
        ]

    def _mapping(self, action: Any, mapping: Vector) -> dict[str, Any]:
        """Take out what this engine refuses when it is configured; the code says so."""
        declared = self.given["definition"]["actions"].get(action) or {}
        made = dict(mapping)
        if "onMappingSave" in made and "onMappingSave" not in (declared.get("hooks") or {}):
            del made["onMappingSave"]
            self.codes.add("REQ-SAVED")
        if declared.get("syncMode"):
            if SYNC_MODE not in made:
                self.codes.add("REQ-SYNC-MODES")
            elif made[SYNC_MODE] is not None and made[SYNC_MODE] not in MODES:
                self.codes.add("REQ-SYNC-MODES")
                made[SYNC_MODE] = None
            made.setdefault(SYNC_MODE, None)
        return made

    def _settings(self) -> dict[str, Any]:
        """Take out settings that the destination does not have; the code says so."""
        given = self.given.get("settings") or {}
        authentication = self.given["definition"].get("authentication")
        if authentication is None:
            return dict(given)
        known = {"oauth", *(authentication.get("fields") or {})}
        made = {key: value for key, value in given.items() if key in known}
        try:
            fields = dc.payload_model("Given", authentication.get("fields") or {})
            coerced = dc.PayloadSchema(fields).validate(made).to_json()
        except dc.InvalidPayload:
            return made  # let the connection say what is wrong
        made |= {key: value for key, value in coerced.items() if key in made}
        if made != given:
            self.codes.add("REQ-SETTINGS")
        return made

    def connection(self) -> dc.Connection[Any]:
        """Open the connection; raises what the configuration is refused with."""
        has_tokens = self.authored.destination().authentication is not None
        plugin = (OAuthPlugin if has_tokens else Plugin)(self.authored)
        made = [dc.Subscription.from_segment(one) for one in self.subscriptions]
        return dc.Connection(
            "authored",
            dc.Registry.of(plugin, self.completions).relay("authored"),
            settings=self.settings,
            subscriptions=[
                dc.Subscription(str(n), one.action, one.trigger, one.mapping, saved=one.saved)
                for n, one in enumerate(made)
            ],
            tokens=self.tokens,
        )

    async def settle(self) -> dict[str, Any]:
        """Give the destination its events; return how they were settled, or ``{"error": …}``."""
        given = self.given
        try:
            connection = self.connection()
        except dc.InvalidSettings as error:
            return {"error": {"category": "payload_validation", "messages": [str(error)]}}
        except dc.ConfigurationError as error:
            return {"error": {"category": "configuration", "messages": [str(error)]}}
        signals = client.signals_of(given)
        async with dc.Engine([connection], transport=self.transport) as engine:
            try:
                if given["call"] == "onEvent":
                    call = engine.send(given["event"])
                    return self._event(await client.with_signals(signals, call))
                many = engine.send_batch(given["events"])
                return self._batch(await client.with_signals(signals, many, turns=2))
            except client.Aborted:
                return {"error": {"category": "aborted"}}
            except TimeoutError:
                return {"error": {"category": "signal_timeout"}}

    def _event(self, deliveries: Sequence[dc.Delivery]) -> dict[str, Any]:
        failed = next((one for one in deliveries if one.error is not None), None)
        if failed is not None:
            return {"error": self._failure(failed)}
        found = {one.subscription: one for one in deliveries}
        return {
            "settled": [
                recorded.executed(self.given, subscription, _answer(found[str(n)]))
                if str(n) in found
                else recorded.NOT_SUBSCRIBED
                for n, subscription in enumerate(self.subscriptions)
            ]
        }

    def _batch(self, results: Sequence[Sequence[dc.Delivery]]) -> dict[str, Any]:
        sent = [one for many in results for one in many if one.error and one.attempts]
        if sent and self.authored.failure:
            return {"error": self._failure(sent[0])}
        return {
            "settled": [
                [_in_batch(self.given, subscription, many, str(n)) for many in results]
                for n, subscription in enumerate(self.subscriptions)
            ]
        }

    def _failure(self, delivery: dc.Delivery) -> dict[str, Any]:
        error = delivery.error
        assert error is not None
        if not delivery.attempts:
            kinds = {"LIQUID_ERROR": "liquid", "MAPPING_ERROR": "other"}
            category = kinds.get(error.code, "payload_validation")
        else:
            category = self.authored.failure
        made: dict[str, Any] = {"category": category, "messages": [said_of(error)]}
        return made | ({"response_status": error.status} if category == "http" else {})


def run(vector: Vector) -> Result:
    """Run one vector through the public engine."""
    given = vector["input"]
    asyncio.run(_preload(given.get("preload")))
    made = Run(given)
    settled = asyncio.run(made.settle())
    calls, requests, bisected = recorded.without_bisection(
        made.authored.calls,
        made.authored.marks,
        [client.shown_request(one) for one in made.transport.requests],
    )
    if len(made.subscriptions) > 1:  # they run side by side
        requests = recorded.in_any_order(requests)
        calls = recorded.in_any_order(calls)
    shown: dict[str, Any] = {
        "requests": requests,
        "calls": calls,
        "token_refreshes": made.tokens.kept,
    }
    if given.get("report_settings"):
        shown["settings_after"] = given["settings"]
    if given.get("report_completions") and given["call"] == "onEvent":
        shown["completions"] = made.completions.seen
    codes = made.codes | recorded.codes(vector) | ({"CIO-BISECT"} if bisected else set())
    argued = recorded.argued(vector)
    if settled.get("error", {}).get("category") == "configuration":
        argued = argued or "CIO-26"
    elif not made.transport.requests and {None, ""} & set(map(_plain, made.settings.values())):
        argued = argued or "REQ-SETTINGS"
    if "error" in settled:
        return Result(
            error={**settled["error"], **shown}, deviations=frozenset(codes), argued=argued
        )
    return Result(expect={**settled, **shown}, deviations=frozenset(codes), argued=argued)


async def _preload(given: Vector | None) -> None:
    """Let another destination of the same process handle an event first."""
    if given is not None:
        await Run({"call": "onEvent", "settings": {}, **given}).settle()


def said_of(error: dc.DeliveryError) -> str:
    """Return an error in Segment's words: those of a payload are its problems."""
    problems = error.problems if isinstance(error, dc.InvalidPayload) else ()
    return " ".join(one.message for one in problems) or str(error)


def _answer(delivery: dc.Delivery) -> Any:
    """Return the data of the last response, as the hosted engine reads it."""
    response = delivery.exchanges[-1].response if delivery.exchanges else None
    return None if response is None else client.data_of(response)


def _in_batch(
    given: Vector, subscription: Vector, deliveries: Sequence[dc.Delivery], name: str
) -> Any:
    found = next((one for one in deliveries if one.subscription == name), None)
    if found is None:
        return recorded.NOT_SUBSCRIBED
    error = found.error
    if error is None:
        return "delivered"
    if error.code == "MULTI_STATUS_INCOMPLETE":
        return recorded.UNSAID if isinstance(error, dc.RetryableError) else "refused"
    if recorded.kind_of(given, subscription) in recorded.ANSWERED and found.attempts:
        return {"status": error.status}
    status = error.status if found.attempts else 400
    if not said_of(error):
        return {"status": status}
    return {"status": status, "errortype": error.code, "errormessage": said_of(error)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | None) else "some value"


def _waits(given: Vector) -> bool:
    """Tell whether any request of the destination has a signal of its own."""
    actions = given["definition"]["actions"].values()
    handlers = [one.get(key) or {} for one in actions for key in ("perform", "performBatch")]
    return any((one.get("request") or {}).get("signal") for one in handlers)
