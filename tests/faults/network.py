"""F8: connections that break, names that lead nowhere, certificates of strangers."""

import signal
import ssl
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage
from tests.faults.unruly import Unruly, Way, always, sometimes

BREAKING = {
    "before": (0.1, Way.RESET_BEFORE),
    "after": (0.15, Way.RESET_AFTER),
    "headers": (0.2, Way.RESET_HEADERS),
    "body": (0.15, Way.RESET_BODY),
    "stale": (0.2, Way.STALE),
}
"""By destination: the share of its requests, and what becomes of them."""

AMBIGUOUS = (Way.RESET_AFTER, Way.RESET_HEADERS, Way.RESET_BODY)
"""Taken, and not said so: to be sent again."""


async def run(size: Size, folder: Path) -> Result:
    """Break calls at random; mend name and certificate at the end, with a SIGHUP."""
    many, most = (4_000, 1.0) if size is Size.LONG else (150, 0.1)  # or the breakers open
    result = Result()
    names = (*BREAKING, "dns", "tls", "well")
    async with (
        Stage(folder, *names, delivery=QUICK, plugins={"single": "tests.faults.single"}) as stage,
        AsyncExitStack() as stack,
    ):
        destinations = stage.configuration["destinations"]
        between = {}
        for seed, (name, (share, way)) in enumerate(BREAKING.items()):
            between[name] = await stack.enter_async_context(
                Unruly(stage.oracle.url, sometimes(min(share, most), way, seed=seed))
            )
            destinations[name]["plugin"] = "single"
            destinations[name]["settings"]["url"] = f"{between[name].url}/{name}"
        stranger = await stack.enter_async_context(
            Unruly(stage.oracle.url, always(Way.PASS), context=_certificate(folder))
        )
        mended = {name: destinations[name]["settings"]["url"] for name in ("dns", "tls")}
        destinations["dns"]["settings"]["url"] = "http://nowhere.invalid/dns"
        destinations["tls"]["settings"]["url"] = f"{stranger.url}/tls"
        stage.write()
        service = await stage.serve()
        await stage.oracle.issue(many)
        for name in (*BREAKING, "well"):
            arrived = await stage.oracle.until(name, many, 240)
            result.demand(f"{name}: everything arrives", arrived, arrived)
        kept = {
            name: await service.metric(
                "destinations_queue_deliveries", destination=name, state="queued"
            )
            for name in mended
        }
        result.demand("what has no way out is kept", set(kept.values()) == {float(many)}, kept)
        result.demand("a stranger's certificate sees no request", not stranger.ways, stranger.ways)
        for name, url in mended.items():
            destinations[name]["settings"]["url"] = url
        stage.write()
        service.process.send_signal(signal.SIGHUP)
        await stage.drained(300)
        await stage.judge(result)
    broken = {name: one.ways[BREAKING[name][1]] for name, one in between.items()}
    again = sum(one.ways[way] for one in between.values() for way in AMBIGUOUS)
    duplicates = int(result.figures["duplicates"])
    result.figures |= {f"{BREAKING[name][1]}": many for name, many in broken.items()}
    result.demand("each way of breaking was seen", all(broken.values()), broken)
    repeated = duplicates <= again
    result.demand("only what was taken and not said so is repeated", repeated, duplicates)
    return result


def _certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate that nobody has reason to trust."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-days", "1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


FAULT = Fault(
    "F8",
    "resets, DNS, TLS, stale keep-alive",
    "lost 0; what is ambiguous is sent again as the same event; no request to an untrusted server",
    run,
)
