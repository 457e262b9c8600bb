"""A destination that a vector describes, as the plugin that an author would write.

Everything goes through what the core publishes: hooks, actions with payloads made from field
definitions, ``dc.MultiStatus``, ``dc.OAuth2``. What the handlers were given is in ``calls``.
"""

import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import ConfigDict, SecretStr, create_model

import destination_core as dc
from tests.conformance import client
from tests.conformance.verdict import Vector

PLACE: Final = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")

KINDS: Final[Mapping[str, type[dc.DeliveryError]]] = {
    "IntegrationError": dc.PermanentError,
    "APIError": dc.PermanentError,
    "SelfTimeoutError": dc.RetryableError,
    "RetryableError": dc.RetryableError,
    "InvalidAuthenticationError": dc.InvalidAuthentication,
    "PayloadValidationError": dc.InvalidPayload,
}
"""Segment's errors, and what an author raises instead; the class is the retry policy."""


class Open(dc.Payload):
    """What an action without fields is given: whatever the mapping makes."""

    model_config = ConfigDict(extra="allow")


class OpenSettings(dc.Settings):
    """What a destination without authentication is given: whatever is configured."""

    model_config = ConfigDict(extra="allow")


class Thrown(Exception):
    """An error that is none of Segment's."""


def error_of(given: Vector) -> dc.DeliveryError:
    """Return the error that an author raises for one of Segment's."""
    kind = KINDS[given["type"]]
    status: Any = given.get("status")
    code = given.get("code")
    if given["type"] == "APIError":  # the status is all it says: also whether to try again
        kind = dc.RetryableError if status >= 500 else dc.PermanentError
        code = str(status)
    elif given["type"] == "SelfTimeoutError":
        status, code = 408, "SELF_TIMEOUT"
    return kind(given.get("message", ""), code=code, status=status)


def filled(value: Any, bundle: Vector) -> Any:
    """Fill ``{{path}}`` from the data bundle; what is missing gives the text ``undefined``."""
    if isinstance(value, str):
        return PLACE.sub(lambda found: _text(_at(bundle, found[1])), value)
    if isinstance(value, Mapping):
        return {key: filled(one, bundle) for key, one in value.items()}
    return [filled(one, bundle) for one in value] if isinstance(value, list) else value


def _at(bundle: Vector, path: str) -> Any:
    value: Any = bundle
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    return "undefined" if value is None else str(value)


def settings_model(definition: Vector) -> type[dc.Settings]:
    """Make the settings of a destination: its own fields, and Segment's ``oauth`` beside them."""
    authentication = definition.get("authentication")
    members: dict[str, Any] = {"oauth": (dict[str, Any] | None, None)}
    for key, field in ((authentication or {}).get("fields") or {}).items():
        kind: Any = _kind(field)
        members[key] = (kind, ...) if field.get("required") else (kind | None, None)
    base: type[dc.Settings] = OpenSettings if authentication is None else dc.Settings
    return create_model("Settings", __base__=base, **members)


def _kind(field: Vector) -> Any:
    if field.get("choices"):
        values = [one["value"] if isinstance(one, Mapping) else one for one in field["choices"]]
        return Literal[tuple(values)]
    kinds = {"password": SecretStr, "number": float, "integer": int, "boolean": bool}
    return kinds.get(field["type"], dict[str, Any] if field["type"] == "object" else str)


class Authored:
    """The plugin; ``calls`` lists what its handlers were given, ``failure`` is the last error's."""

    def __init__(self, definition: Vector) -> None:
        self.definition = definition
        self.settings: Vector = {}
        self.calls: list[dict[str, Any]] = []
        self.sent: list[Any] = []  # what the transport was asked, for `marks`
        self.marks: list[int] = []  # how many requests there were before each call
        self.failure = ""
        self.made: dc.AccessToken | None = None

    def destination(self) -> dc.Destination[Any]:
        """Declare the destination."""
        authentication = self.definition.get("authentication") or {}
        scheme = authentication.get("scheme", "")
        return dc.Destination(
            "authored",
            title=self.definition["name"],
            settings=settings_model(self.definition),
            actions=[self._action(*one) for one in self.definition["actions"].items()],
            authentication=dc.OAuth2(scheme) if scheme.startswith("oauth") else None,
        )

    def options(self, token: dc.AccessToken | None) -> dc.RequestOptions:
        """Return the headers that every request has; those with a payload come with the request."""
        given = self.definition.get("extendRequest") or {}
        bundle = self._bundle(token)
        headers = {
            name: filled(value, bundle)
            for name, value in (given.get("headers") or {}).items()
            if "payload." not in str(value)
        }
        return dc.RequestOptions("", {k: v for k, v in headers.items() if v != "undefined"})

    def _bundle(self, token: dc.AccessToken | None, payload: Any = None) -> dict[str, Any]:
        oauth = self.settings.get("oauth") or {}
        now = oauth.get("access_token") if token is None else token.value
        again = oauth.get("refresh_token") if token is None else token.refresh_token
        auth = {"accessToken": now, "refreshToken": again}
        return {"settings": self.settings, "auth": auth, "payload": payload}

    def _action(self, slug: str, given: Vector) -> dc.Action[Any, Any]:
        fields = given.get("fields") or {}
        model = dc.payload_model("Given", fields) if fields else Open
        perform, perform_batch = given.get("perform"), given.get("performBatch")

        async def handler(ctx: dc.Context[Any], payload: Any) -> None:
            made = payload.to_json()
            told = {} if ctx.membership is None else {"audienceMembership": ctx.membership}
            self._note({"call": "perform", "payload": made, **told, **_told(ctx)})
            await self._watched(self._perform(ctx, perform or {}, made))

        modes = given.get("syncMode")
        action = dc.Action(
            slug,
            handler,
            payload=model,
            title=given.get("title", ""),
            audience=True,
            sync_modes=dc.SyncModes(modes.get("default")) if modes else None,
        )
        if "onMappingSave" in (given.get("hooks") or {}):
            action.on_mapping_save(_save)
        if perform_batch is not None:

            @action.batch(size=100_000)
            async def batch_handler(
                ctx: dc.Context[Any], payloads: Sequence[Any]
            ) -> Sequence[dc.Outcome] | None:
                made = [one.to_json() for one in payloads]
                told = {"audienceMembership": list(ctx.memberships)}
                self._note({"call": "performBatch", "payload": made, **told, **_told(ctx)})
                outcomes: Sequence[dc.Outcome] | None
                outcomes = await self._watched(self._perform(ctx, perform_batch, made))
                return outcomes

        return action

    def _note(self, call: dict[str, Any]) -> None:
        self.calls.append(call)
        self.marks.append(len(self.sent))

    async def _watched(self, call: Awaitable[Any]) -> Any:
        """Note in what way a handler failed."""
        self.failure = ""
        try:
            return await call
        except client.Aborted:
            self.failure = "aborted"
        except TimeoutError:
            self.failure = "signal_timeout"
        except Thrown:
            self.failure = "other"
            raise
        except dc.DeliveryError as error:
            if not self.failure:
                kinds = {"REQUEST_TIMEOUT": "timeout", "NETWORK_ERROR": "network"}
                answered = error.status is not None  # perhaps with 408, whose code is the same
                self.failure = "http" if answered else kinds.get(error.code, "other")
            raise
        raise dc.RetryableError("a signal ended the request")

    async def _perform(self, ctx: dc.Context[Any], what: Vector, payload: Any) -> Any:
        """Do what a vector says a handler does; a batch's answer is its outcomes, or None."""
        match what.get("kind"):
            case "throw":
                self._throw(what["error"])
            case "request":
                return _answered(await self._send(ctx, what["request"], payload), payload)
            case "requests_sequence":
                for _ in range(what["count"] - 1):
                    await self._send(ctx, what["request"], payload)
                return _answered(await self._send(ctx, what["request"], payload), payload)
            case "http_error":
                try:
                    await self._send(ctx, what["request"], payload)
                except dc.DeliveryError as error:
                    if error.status is None:  # there was no answer
                        raise
                    return [dc.Outcome(error)] * len(payload) if isinstance(payload, list) else None
            case "multistatus":
                return _settled(what["items"], len(payload))
            case "multistatus_from_response":
                response = await self._send(ctx, what["request"], payload)
                status, phrase = response.status, client.phrase_of(response.status)
                items = (
                    [{"success": {}}]
                    if status < 400
                    else [{"error": {"status": status, "errormessage": phrase}}]
                )
                return _settled(items * len(payload), len(payload))
        return None

    def _throw(self, error: Vector) -> None:
        if error["type"] not in KINDS:
            raise Thrown(error.get("message", ""))
        self.failure = "integration"
        raise error_of(error)

    async def _send(self, ctx: dc.Context[Any], request: Vector, payload: Any) -> dc.Response:
        bundle = self._bundle(ctx.access_token, None if isinstance(payload, list) else payload)
        extended = dict(self.definition.get("extendRequest") or {})
        shared = extended.pop("headers", None) or {}
        extended["headers"] = {k: v for k, v in shared.items() if "payload." in str(v)}
        given = client.merged([filled(extended, bundle), request.get("options") or {}])
        if "json" in request:
            body = request["json"]
            given["json"] = payload if body == "$payload" else filled(body, bundle)
        headers = {k: client.header(v) for k, v in (given.get("headers") or {}).items()}
        sending = ctx.http.request(
            given.get("method") or request.get("method", "post"),
            filled(request["url"], bundle),
            **client.send_options(given, headers, bare=False),
        )
        signals = client.signals_of(request)
        return await (client.with_signals(signals, sending) if signals else sending)

    async def refresh(self, ctx: dc.Context[Any]) -> dc.AccessToken:
        """Get another access token as the vector says."""
        what = self.definition["authentication"].get("refreshAccessToken")
        if what is None:
            self.failure = "integration"
            raise dc.InvalidAuthentication("no way to refresh", code="OAUTH_REFRESH_FAILED")
        oauth = self.settings.get("oauth") or {}
        old = ctx.access_token
        auth = {
            "accessToken": old and old.value,
            "refreshToken": old and old.refresh_token,
            "clientId": oauth.get("clientId"),
            "clientSecret": oauth.get("clientSecret"),
            "refreshTokenUrl": oauth.get("refresh_token_url"),
        }
        auth = {key: value for key, value in auth.items() if value is not None}
        self._note({"call": "refreshAccessToken", "auth": auth})
        self.made = await self._watched(self._refreshed(ctx, what, auth))
        return self.made

    async def _refreshed(self, ctx: dc.Context[Any], what: Vector, auth: Vector) -> dc.AccessToken:
        if "throw" in what:
            self._throw(what["throw"])
        request = what["request"]
        bundle = {"settings": self.settings, "auth": auth}
        options = request.get("options") or {}
        headers = {k: client.header(v) for k, v in (options.get("headers") or {}).items()}
        given = {**options, "json": filled(request.get("json"), bundle)}
        response = await ctx.http.post(
            filled(request["url"], bundle), **client.send_options(given, headers, bare=False)
        )
        said = response.json()
        # what is missing is JavaScript's undefined, and sent as that text
        return dc.AccessToken(said.get("access_token", "undefined"), said.get("refresh_token"))


def _told(ctx: dc.Context[Any]) -> dict[str, Any]:
    """Return what a handler is told beside its payload, where something is said."""
    inputs, outputs = ctx.saved_inputs(Open), ctx.saved(Open)
    saved = {
        key: value.to_json()
        for key, value in (("inputs", inputs), ("outputs", outputs))
        if value is not None
    }
    told: dict[str, Any] = {"syncMode": ctx.sync_mode, "matchingKey": ctx.matching_key}
    told |= {"hookOutputs": {"onMappingSave": saved} if saved else None}
    return {key: value for key, value in told.items() if value is not None}


def _answered(response: dc.Response, payload: Any) -> Sequence[dc.Outcome] | None:
    """Say of every payload of a batch what a response says of all."""
    if not isinstance(payload, list) or response.status < 400:
        return None
    return _settled([{"error": {"status": response.status}}] * len(payload), len(payload))


def _settled(items: Sequence[Vector | None], size: int) -> Sequence[dc.Outcome]:
    settled = dc.MultiStatus(size)
    for index, item in enumerate(items):
        if item is None:
            continue
        if "success" in item:
            settled.accept(index)
        else:
            error = item["error"]
            settled.set(
                index, error["status"], error.get("errormessage", ""), code=error.get("errortype")
            )
    return settled.outcomes()


async def _save(ctx: dc.Context[Any], given: Open) -> Open:
    return given


class Plugin:
    """The hooks of a destination without access tokens."""

    def __init__(self, authored: Authored) -> None:
        self._authored = authored

    @dc.hookimpl
    def register_destination(self) -> dc.Destination[Any]:
        return self._authored.destination()

    @dc.hookimpl
    def extend_request(
        self, settings: dc.Settings, token: dc.AccessToken | None
    ) -> dc.RequestOptions:
        shown = settings.model_dump(exclude_unset=True)
        self._authored.settings = {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in shown.items()
        }
        return self._authored.options(token)


class OAuthPlugin(Plugin):
    """The hooks of a destination with access tokens."""

    @dc.hookimpl
    async def refresh_access_token(self, ctx: dc.Context[Any]) -> dc.AccessToken:
        return await self._authored.refresh(ctx)
