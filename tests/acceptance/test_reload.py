"""Another configuration for a process that runs, and for a queue that has something in it."""

import json
import signal

import aiohttp

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import held, said, serving, until


async def test_a_configuration_is_read_again_on_sighup(operator: Operator) -> None:
    """A bad one leaves the old one running and says why; a good one counts from then on."""
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        path = operator.folder / "s.json"
        config = json.loads(path.read_text())

        async def reloaded(text: str, answer: str) -> str:
            service.lines.clear()
            path.write_text(text)
            service.process.send_signal(signal.SIGHUP)
            return await said(service, answer)

        assert await service.post(session, [track(1)])
        line = await reloaded(path.read_text().replace("plugin", "plugins"), "not reloaded")
        assert "'plugins'" in "".join([line, *service.lines])
        assert await service.post(session, [track(2)])
        nobody = json.dumps({key: one for key, one in config.items() if key != "sources"})
        assert "has no `sources`: nobody could send" in await reloaded(nobody, "not reloaded")
        assert await service.post(session, [track(5)])
        config["sources"]["web"]["write_keys"] = ["another"]
        config["destinations"]["second"] = config["destinations"]["customerio"]
        await reloaded(json.dumps(config), "is reloaded")
        assert not await service.post(session, [track(3)])
        body = {"writeKey": "another", "batch": [track(4)]}
        async with session.post(f"{service.url}/v1/batch", json=body) as taken:
            assert taken.status == 200
        await until(operator, 4)
        config["queue"] = {"path": "other.db"}
        assert "queue: cannot be changed" in await reloaded(json.dumps(config), "not reloaded")
        assert await service.end() == 0
    del config["queue"]
    path.write_text(json.dumps(config))
    status = (await operator.run("status", "s.json", "--json")).json()["destinations"]
    assert {name: one["delivered"] for name, one in status.items()} == {
        "customerio": 4,
        "second": 1,
    }


async def test_what_is_queued_for_a_removed_destination_stays(operator: Operator) -> None:
    """It is not lost but said, and delivered once the destination is back."""
    operator.write("events.ndjson", [track(n) for n in range(3)])
    operator.simulator.faults.add(Fault(status=503, times=None))
    process = await operator.start("run", "c.json", "events.ndjson")
    await operator.answered()
    process.send_signal(signal.SIGTERM)
    await operator.ended(process)
    operator.simulator.faults.clear()
    text = (operator.folder / "c.json").read_text()
    (operator.folder / "c.json").write_text(text.replace('"customerio":', '"renamed":', 1))
    run = await operator.run("run", "c.json")
    assert "customerio: 3 events stay queued" in run.err
    assert "3 queued (the configuration has no such destination)" in run.out
    (operator.folder / "c.json").write_text(text)
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == [0, 1, 2]


async def test_credentials_that_have_expired_are_replaced_while_it_runs(
    operator: Operator,
) -> None:
    """Events are kept meanwhile, `/readyz` names the destination; the file is read on SIGHUP."""
    secret = operator.folder / "secrets" / "api_key"
    secret.parent.mkdir()
    secret.write_text("expired-key\n")
    config = json.loads((operator.folder / "c.json").read_text())
    config["destinations"]["customerio"]["settings"]["api_key"] = "${file:secrets/api_key}"
    operator.write("c.json", [config])
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(n) for n in range(5)])
        line = await said(service, "paused, its events are kept")
        assert "customerio" in line
        assert "expired-key" not in line
        async with session.get(f"{service.url}/readyz") as answer:
            told = await answer.json()
        assert (answer.status, told["checks"]["destinations"]["paused"]) == (200, ["customerio"])
        secret.write_text(f"{operator.simulator.api_key}\n")
        service.process.send_signal(signal.SIGHUP)
        await until(operator, 5)
        async with session.get(f"{service.url}/metrics") as answer:
            shown = await answer.text()
        assert 'destinations_reloads_total{result="ok"} 1.0' in shown
        assert 'breaker_state{destination="customerio",state="closed"} 1.0' in shown
        assert await service.end() == 0
    assert held(operator) == list(range(5))
