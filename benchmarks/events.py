"""The events of the benchmark: synthetic, always the same."""

import json
import random
from pathlib import Path
from typing import Any, Final

COUNT: Final = 2_000
SEED: Final = 20_26
MIX: Final = (("track", 60), ("identify", 15), ("page", 15), ("device", 5), ("group", 5))
"""Share of each kind, in percent."""


def write(path: Path) -> None:
    """Write the events as NDJSON, about 1.2 kB each."""
    chance = random.Random(SEED)  # noqa: S311  the same every time is the point
    kinds = [kind for kind, share in MIX for _ in range(share)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(COUNT):
            event = _event(kinds[chance.randrange(100)], number, chance)
            file.write(json.dumps(event) + "\n")


def _event(kind: str, number: int, chance: random.Random) -> dict[str, Any]:
    user = f"user-{chance.randrange(500)}"
    common: dict[str, Any] = {
        "type": "track" if kind == "device" else kind,
        "messageId": f"msg-{number:08d}-{chance.getrandbits(48):012x}",
        "userId": user,
        "anonymousId": f"anon-{chance.getrandbits(64):016x}",
        "timestamp": f"2026-03-{1 + number % 28:02d}T{number % 24:02d}:15:07.{number % 1000:03d}Z",
        "context": {
            "ip": "203.0.113.7",
            "locale": "en-GB",
            "timezone": "Europe/London",
            "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"
            " (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "library": {"name": "analytics.js", "version": "5.2.1"},
            "page": {
                "path": "/products",
                "referrer": "https://search.example/?q=widgets+for+every+day",
                "search": "?page=2&sort=price",
                "title": "Widgets for every day of the week - Shop",
                "url": "https://shop.example/products?page=2&sort=price",
            },
            "device": {"id": f"dev-{user}", "token": f"tok-{user}", "type": "ios"},
            "app": {"name": "Shop", "version": "4.5.6", "build": "1234"},
            "campaign": {"source": "newsletter", "medium": "email", "name": "spring"},
        },
    }
    return common | _DETAILS[kind](number, user, chance)


def _track(number: int, _: str, chance: random.Random) -> dict[str, Any]:
    products = [
        {"sku": f"SKU-{chance.randrange(999)}", "price": 9.5, "quantity": 1 + n, "name": "Widget"}
        for n in range(2)
    ]
    properties = {
        "order_id": f"o-{number}",
        "total": round(chance.random() * 200, 2),
        "currency": "EUR",
        "ordered_at": "2026-03-04T05:06:00Z",
        "coupon": None,
        "products": products,
        "shipping": {"city": "Lyon", "eta": "2026-03-09", "express": False},
        "note": "please ring the bell twice, the first one is for the neighbours",
    }
    name = ("Order Completed", "Product Viewed", "Cart Viewed", "Signed Up")[number % 4]
    return {"event": name, "properties": properties}


def _identify(number: int, user: str, _: random.Random) -> dict[str, Any]:
    traits = {
        "email": f"{user}@example.com",
        "first_name": "Ann",
        "last_name": "Lee",
        "createdAt": "2020-01-02T03:04:05Z",
        "plan": "pro",
        "logins": number,
        "vip": number % 2 == 0,
        "address": {"street": "1 Main Street", "city": "Lyon", "country": "FR"},
        "birthday": "1990-05-06",
    }
    return {"traits": traits}


def _page(number: int, _: str, __: random.Random) -> dict[str, Any]:
    properties = {
        "url": f"https://shop.example/products/{number}",
        "title": "Products",
        "referrer": "https://search.example/?q=widgets",
        "path": f"/products/{number}",
        "published": "2026-02-02",
    }
    return {"name": "Products", "properties": properties}


def _device(_: int, __: str, ___: random.Random) -> dict[str, Any]:
    return {"event": "Application Opened", "properties": {"from_background": True, "build": 7}}


def _group(number: int, _: str, __: random.Random) -> dict[str, Any]:
    traits = {
        "objectTypeId": "1",
        "createdAt": "2021-01-02T03:04:05Z",
        "objectAttributes": {"name": "Acme", "founded": "1999-12-31", "size": 250},
        "relationshipAttributes": {"role": "admin", "since": "2022-01-01T00:00:00Z"},
    }
    return {"groupId": f"group-{number % 50}", "traits": traits}


_DETAILS: Final = {
    "track": _track,
    "identify": _identify,
    "page": _page,
    "device": _device,
    "group": _group,
}
