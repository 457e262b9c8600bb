"""Access tokens: asked for, renewed once, used by whoever waits."""

import asyncio
import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

import destination_core as dc
from tests import ledger

SETTINGS = {"client_secret": "client-s3cret", "refresh_token": "refresh-000"}


class Server:
    """Gives tokens and takes what carries the newest one; ``valid`` is that one."""

    def __init__(self, **token: Any) -> None:
        self.token = token
        self.made = 0
        self.valid = ""
        self.forms: list[dict[str, list[str]]] = []
        self.requests: list[dc.Request] = []
        self.answer: Callable[[dc.Request], dc.Response] | None = None
        self.token_status = 200
        self.asked = asyncio.Event()

    async def send(self, request: dc.Request) -> dc.Response:
        await asyncio.sleep(0)
        if request.url == "https://id.ledger.test/token":
            self.forms.append(parse_qs((request.body or b"").decode()))
            self.asked.set()
            await asyncio.sleep(0.001)
            return dc.Response(self.token_status, {}, orjson.dumps(self.grant()))
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Bearer {self.valid}":
            return dc.Response(401, {}, b"{}")
        return self.answer(request) if self.answer else dc.Response(200, {}, b"[]")

    def grant(self) -> dict[str, Any]:
        if self.token_status != 200:
            return {"error": "invalid_grant"}
        self.made += 1
        self.valid = f"access-{self.made:03}"
        return {"access_token": self.valid, "refresh_token": f"refresh-{self.made:03}"} | self.token


class Ledger:
    """The ledger without hooks about its tokens, for tests that have wrong ones."""

    @dc.hookimpl
    def register_destination(self) -> Any:
        return ledger.register_destination()


def connection(
    tokens: dc.TokenStore | None = None, *, plugin: Any = ledger, **settings: str
) -> dc.Connection[Any]:
    relay = dc.Registry.of(plugin).relay("ledger")
    post = dc.Subscription("Post", "post", 'type = "track"')
    given = SETTINGS | settings
    return dc.Connection("book", relay, settings=given, subscriptions=[post], tokens=tokens)


def track(user: str = "u1") -> dict[str, Any]:
    return {"type": "track", "event": "e", "userId": user}


def holding(server: Server, value: str = "access-old", **more: Any) -> dc.MemoryTokens:
    return dc.MemoryTokens({"book": dc.AccessToken(value, **more)})


async def test_token_is_asked_for_once_and_sent() -> None:
    """Before the first attempt a token is made of the settings; later ones use it."""
    server = Server()
    async with dc.Engine([connection()], transport=server) as engine:
        for _ in range(3):
            assert (await engine.send(track()))[0].ok
    assert [form["refresh_token"] for form in server.forms] == [["refresh-000"]]
    assert server.forms[0]["grant_type"] == ["refresh_token"]
    assert {one.headers["Authorization"] for one in server.requests} == {"Bearer access-001"}


async def test_refused_token_is_renewed_and_the_attempt_repeated_once() -> None:
    """A 401 leads to a new token, made with the last refresh token, and one more attempt."""
    server = Server()
    tokens = holding(server, refresh_token="refresh-old")
    async with dc.Engine([connection(tokens)], transport=server) as engine:
        (delivery,) = await engine.send(track())
    assert (delivery.ok, delivery.attempts) == (True, 2)
    assert [form["refresh_token"] for form in server.forms] == [["refresh-old"]]
    sent = [one.headers["Authorization"] for one in server.requests]
    assert sent == ["Bearer access-old", "Bearer access-001"]


@pytest.mark.parametrize(
    ("raised", "renewals"),
    [
        (dc.PermanentError("ended", status=401), 1),
        (dc.RetryableError("ended", status=401), 1),
        (dc.InvalidAuthentication("ended"), 1),
        (dc.InvalidAuthentication("not yours", status=403), 0),
        (dc.PermanentError("odd", status=400), 0),
    ],
    ids=["permanent-401", "retryable-401", "no-status", "403", "400"],
)
async def test_401_is_a_refused_token_in_whatever_error(
    raised: dc.DeliveryError, renewals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An action that raises by itself means the token when it says 401, or no status at all."""

    async def handler(ctx: Any, entry: Any) -> None:
        raise raised

    monkeypatch.setattr(ledger.post, "handler", handler)
    server = Server()
    async with dc.Engine([connection(holding(server))], transport=server) as engine:
        (delivery,) = await engine.send(track())
    assert (len(server.forms), delivery.attempts) == (renewals, 1 + renewals)
    assert type(delivery.error) is type(raised)


async def test_hundred_refused_attempts_share_one_renewal() -> None:
    """However many attempts meet a 401 at once, the token is renewed once and all are repeated."""
    server = Server()
    engine = dc.Engine([connection(holding(server))], transport=server, concurrency=100)
    async with engine:
        settled = await asyncio.gather(*[engine.send(track(f"u{n}")) for n in range(100)])
    assert all(one.ok for (one,) in settled)
    assert len(server.forms) == 1
    assert len(server.requests) == 200


@pytest.mark.parametrize("call", ["send", "send_batch", "test_authentication"])
async def test_token_that_stays_refused_is_not_renewed_for_ever(call: str) -> None:
    """A 401 for a token made just now is the end of it: a set-up error, which pauses."""
    server = Server()
    server.answer = lambda _: dc.Response(401, {}, b"{}")
    async with dc.Engine([connection()], transport=server) as engine:
        for _ in range(3):
            if call == "test_authentication":
                error = (await engine.test_authentication())["book"]
            elif call == "send":
                error = (await engine.send(track()))[0].error
            else:
                error = (await engine.send_batch([track(), track()]))[0][0].error
            assert isinstance(error, dc.InvalidAuthentication)
    assert len(server.forms) == 1


async def test_only_refused_items_of_a_batch_are_sent_again() -> None:
    """Items that were settled stay settled; those with a 401 go out once more, with a new token."""
    server = Server()
    server.valid = "access-old"
    bodies = []

    def answer(request: dc.Request) -> dc.Response:
        bodies.append(orjson.loads(request.body or b""))
        return dc.Response(200, {}, b'["u2"]' if len(bodies) == 1 else b"[]")

    server.answer = answer
    async with dc.Engine([connection(holding(server))], transport=server) as engine:
        settled = await engine.send_batch([track("u1"), track("u2"), track("u3")])
    assert [one.ok for (one,) in settled] == [True, True, True]
    assert bodies == [["u1", "u2", "u3"], ["u2"]]
    assert len(server.forms) == 1


async def test_token_is_renewed_before_it_ends() -> None:
    """A token that ends within the minute is renewed before it is used."""
    now = [1_000.0]
    server = Server(expires_in=300)
    async with dc.Engine([connection()], transport=server, clock=lambda: now[0]) as engine:
        for now[0] in (1_000.0, 1_239.0, 1_241.0):
            assert (await engine.send(track()))[0].ok
    assert [one.headers["Authorization"][-3:] for one in server.requests] == ["001", "001", "002"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, "setup_error"), (401, "setup_error"), (503, "retryable"), (200, "setup_error")],
)
async def test_failed_renewal_settles_every_event(
    status: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused grant, or an answer without a token, pauses; an endpoint that is down is retried.

    A refusal is not asked for again at once by the events behind it.
    """
    server = Server()
    server.token_status = status
    monkeypatch.setattr(server, "grant", lambda: {"error": "no"})
    async with dc.Engine([connection()], transport=server) as engine:
        settled = [await engine.send(track()) for _ in range(3)]
        settled += await engine.send_batch([track(), track()])
    assert {str(one.status) for (one,) in settled} == {expected}
    assert (len(server.forms), server.requests) == (1, [])


async def test_bug_in_the_hook_pauses_and_shows_no_secret() -> None:
    """A plugin that cannot renew must not cost events: they wait, and its words are cleaned."""

    class Broken(Ledger):
        @dc.hookimpl
        async def refresh_access_token(self, ctx: Any) -> Any:
            raise ValueError(f"cannot use {ctx.settings.client_secret.get_secret_value()}")

    async with dc.Engine([connection(plugin=Broken())], transport=Server()) as engine:
        (delivery,) = await engine.send(track())
    assert delivery.status == "setup_error"
    assert "ValueError" in delivery.reason
    assert "client-s3cret" not in delivery.reason


async def test_bug_with_the_new_token_pauses_and_shows_it_to_nobody() -> None:
    """It is a secret from its first moment, also for whoever cannot put it into a request."""

    class Broken(Ledger):
        @dc.hookimpl
        def extend_request(self, settings: Any, token: Any) -> Any:
            if token is not None:
                raise ValueError(f"cannot use {token.value}")

        @dc.hookimpl
        async def refresh_access_token(self, ctx: Any) -> Any:
            return dc.AccessToken("access-s3cret")

    async with dc.Engine([connection(plugin=Broken())], transport=Server()) as engine:
        (delivery,) = await engine.send(track())
    assert delivery.status == "setup_error"
    assert "extend_request raised ValueError: cannot use [redacted]" in delivery.reason


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_renewal_that_hangs_is_ended_by_its_deadline(*, swallows: bool) -> None:
    """Events and deletions are to be tried again; nobody waits for it any longer."""
    end = asyncio.Event()

    class Hanging(Ledger):
        @dc.hookimpl
        async def refresh_access_token(self, ctx: Any) -> Any:
            while not end.is_set():
                try:
                    await end.wait()
                except asyncio.CancelledError:
                    if not swallows:
                        raise

        @dc.hookimpl
        async def on_delete(self, deletion: dc.Deletion) -> None: ...

    book = connection(plugin=Hanging())
    async with dc.Engine([book], transport=Server(), deadline=0.05) as engine, asyncio.timeout(10):
        settled = [
            *await engine.send(track()),
            *[one for (one,) in await engine.send_batch([track(), track()])],
            *await engine.delete({"type": "delete", "userId": "u1"}),
        ]
        end.set()
    told = {(one.status, one.reason) for one in settled}
    assert told == {("retryable", "ledger: refresh_access_token timed out")}


async def test_one_who_stops_waiting_does_not_stop_the_others() -> None:
    """A renewal goes on when the attempt that began it is cancelled."""
    server = Server()
    async with dc.Engine([connection()], transport=server) as engine:
        first = asyncio.create_task(engine.send(track()))
        second = asyncio.create_task(engine.send(track()))
        await server.asked.wait()
        first.cancel()
        assert (await second)[0].ok
        with pytest.raises(asyncio.CancelledError):
            await first
    assert len(server.forms) == 1


async def test_closing_waits_for_a_renewal() -> None:
    """A refresh token that is being exchanged is not lost when the engine closes."""
    server, tokens = Server(), dc.MemoryTokens()
    book = connection(tokens)
    async with dc.Engine([book], transport=server) as engine:
        task = asyncio.create_task(engine.send(track()))
        await server.asked.wait()
        task.cancel()
    kept = await tokens.load("book", book.origin)
    assert kept is not None
    assert kept.refresh_token == "refresh-001"


async def test_tokens_outlive_the_program(tmp_path: Path) -> None:
    """A second run finds the token of the first, in files that only their owner can read."""
    server, folder = Server(), tmp_path / "queue.db.tokens"
    for _ in range(2):
        book = connection(dc.FileTokens(folder))
        async with dc.Engine([book], transport=server) as engine:
            assert (await engine.send(track()))[0].ok
    assert len(server.forms) == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("change", ["credentials", "damage"])
async def test_token_that_fits_no_more_is_made_anew(tmp_path: Path, change: str) -> None:
    """With other credentials in the settings, or a damaged file, the settings count again."""
    server = Server()
    async with dc.Engine([connection(dc.FileTokens(tmp_path))], transport=server) as engine:
        await engine.send(track())
    again = "refresh-000"
    if change == "credentials":
        again = "refresh-new"
    else:
        (tmp_path / "book.json").write_text("{")
    book = connection(dc.FileTokens(tmp_path), refresh_token=again)
    async with dc.Engine([book], transport=server) as engine:
        assert (await engine.send(track()))[0].ok
    assert server.forms[1]["refresh_token"] == [again]


async def test_two_programs_renew_one_after_the_other(tmp_path: Path) -> None:
    """Whoever comes second finds the token that the first has made."""
    server = Server()
    books = [connection(dc.FileTokens(tmp_path)) for _ in range(2)]
    async with (
        dc.Engine(books[:1], transport=server) as one,
        dc.Engine(books[1:], transport=server) as two,
    ):
        settled = await asyncio.gather(one.send(track()), two.send(track()))
    assert all(delivery.ok for (delivery,) in settled)
    assert len(server.forms) == 1


async def test_tokens_are_shown_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a record of a delivery, nor a log, nor a representation has a token in it."""
    caplog.set_level(logging.DEBUG)
    server = Server()
    server.answer = lambda request: dc.Response(
        400, {}, f"bad {request.headers['Authorization']} refresh-001".encode()
    )
    async with dc.Engine([connection(dc.FileTokens(tmp_path))], transport=server) as engine:
        (delivery,) = await engine.send(track())
    shown = f"{delivery!r} {delivery.requests()} {delivery.reason} {delivery.error.detail}"  # type: ignore[union-attr]
    token = dc.AccessToken("access-001", "refresh-001")
    for secret in ("access-001", "refresh-001", "client-s3cret"):
        assert secret not in shown + caplog.text + repr(token)
    assert "[redacted]" in shown


async def test_token_that_cannot_be_kept_is_used_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk does not stop deliveries; it is said, without the token."""

    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    tokens = dc.FileTokens(tmp_path)
    monkeypatch.setattr(tokens, "save", full)
    async with dc.Engine([connection(tokens)], transport=Server()) as engine:
        assert (await engine.send(track()))[0].ok
    assert "No space left on device" in caplog.text
    assert "access-001" not in caplog.text


@pytest.mark.parametrize("authentication", [None, dc.OAuth2()])
def test_declaration_and_hook_belong_together(authentication: dc.OAuth2 | None) -> None:
    """OAuth 2 without the hook, and the hook without OAuth 2, are refused at start-up."""

    class Half:
        @dc.hookimpl
        def register_destination(self) -> Any:
            return dc.Destination(
                "half",
                title="Half",
                settings=ledger.Settings,
                actions=[],
                authentication=authentication,
            )

    class Other(Half):
        @dc.hookimpl
        async def refresh_access_token(self, ctx: Any) -> Any: ...

    with pytest.raises(dc.PluginError, match="refresh_access_token"):
        dc.Registry.of(Half() if authentication else Other())


async def test_token_that_ends_soon_by_nature_is_not_asked_for_at_each_attempt() -> None:
    """Some servers' tokens live shorter than the time before whose end others are renewed."""
    server = Server(expires_in=30)
    async with dc.Engine([connection()], transport=server) as engine:
        for _ in range(5):
            assert (await engine.send(track()))[0].ok
    assert len(server.forms) == 1


async def test_clock_that_is_set_back_does_not_keep_a_refused_token() -> None:
    """What was made, or failed, "in the future" was not just now."""
    server, now = Server(), [1_000_000.0]
    async with dc.Engine([connection()], transport=server, clock=lambda: now[0]) as engine:
        assert (await engine.send(track()))[0].ok
        now[0] -= 3_600
        server.valid = "another"
        assert (await engine.send(track()))[0].ok
        server.valid, server.token_status = "another", 503
        now[0] += 60
        assert not (await engine.send(track()))[0].ok
        now[0] -= 3_600
        server.token_status = 200
        assert (await engine.send(track()))[0].ok
