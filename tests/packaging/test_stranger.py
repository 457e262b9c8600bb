"""A stranger with nothing but the core's wheel: a plugin, 100 events, and gone again."""

import json
from pathlib import Path

import pytest

from destination_core.testing import Recorded, RecordingServer, Reply, standard_event
from tests.packaging.environment import Environment

ACTION = '''"""Add orders."""

from typing import Annotated

import destination_core as dc
from pydantic import Field

from destination_tidy_shop.settings import Settings


class Order(dc.Payload):
    """An order."""

    id: Annotated[str, dc.path("$.properties.order_id"), Field(title="ID", description="Of Shop.")]
    buyer: Annotated[str, dc.path("$.userId"), Field(title="Buyer", description="Who bought.")]


@dc.action("addOrder", title="Add Order", subscribe='event = "Order Completed"')
async def add_order(ctx: dc.Context[Settings], order: Order) -> None:
    """Add an order."""
    await ctx.http.put(f"/orders/{order.id}", json={"by": order.buyer})
'''

KEY = "canary-key-of-the-stranger"

MANY = 100


def answer(request: Recorded) -> Reply:
    """Refuse whoever comes without the key."""
    if request.headers.get("X-Api-Key") != KEY:
        return Reply(401)
    return Reply(201)


@pytest.mark.timeout(500)
async def test_a_stranger_writes_installs_delivers_and_uninstalls(
    environment: Environment, tmp_path: Path
) -> None:
    """From an empty folder; every event arrives once, and nothing shows the key."""
    must = environment.must
    assert environment.plugins()["plugins"] == []
    async with RecordingServer(answer) as server:
        url = f"{server.url}/api"
        options = ["--auth", "api-key", "--no-batch", "--base-url", url, "--defaults"]
        await environment.later("destinations", "new", "tidy-shop", *options)
        project = environment.home / "destination-tidy-shop"
        must("destinations", "new", "action", "Add Order", cwd=project)
        (project / "destination_tidy_shop" / "actions" / "add_order.py").write_text(ACTION)
        must("pip", "install", ".", cwd=project)
        assert "tidy-shop" in must("destinations", "plugins")

        must("destinations", "init", "tidy-shop", "--empty", "-o", "shop.yaml")
        config = environment.home / "shop.yaml"
        chosen = "    subscriptions:\n      - name: Orders\n        action: addOrder\n"
        chosen += '        trigger: event = "Order Completed"\n'
        config.write_text(config.read_text().replace("    subscriptions: []\n", chosen))
        events = [
            standard_event("track", userId=f"u-{n}", properties={"order_id": f"o-{n}"})
            for n in range(MANY)
        ]
        path = environment.home / "events.ndjson"
        path.write_text("".join(json.dumps(one) + "\n" for one in events))

        sent = await environment.later(
            "destinations", "send", "shop.yaml", "events.ndjson", "--json", TIDY_SHOP_API_KEY=KEY
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr
        assert KEY not in sent.stdout + sent.stderr
        report = json.loads(sent.stdout)
        assert report["outcomes"] == {"delivered": MANY}, report
        arrived = {(one.method, one.path): one.json() for one in server.requests}
        assert len(server.requests) == MANY
        assert arrived == {
            ("PUT", f"/api/orders/o-{n}"): {"by": f"u-{n}"} for n in range(MANY)
        }  # fmt: skip

        wrong = await environment.later(
            "destinations", "check", "shop.yaml", "--live", TIDY_SHOP_API_KEY="wrong-key"
        )
        assert wrong.returncode == 4

    must("pip", "uninstall", "-y", "destination-tidy-shop")
    assert environment.plugins()["plugins"] == []
    gone = environment.run("destinations", "check", "shop.yaml", TIDY_SHOP_API_KEY=KEY)
    assert gone.returncode == 3
    assert "destination 'tidy-shop' is not installed" in gone.stdout + gone.stderr
