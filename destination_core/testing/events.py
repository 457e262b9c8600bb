"""One event of every type of the Segment spec, with everything that such events usually hold."""

import copy
from typing import Any, Final

CONTEXT: Final[dict[str, Any]] = {
    "app": {"name": "Shop", "version": "3.1.4", "build": "314"},
    "campaign": {"name": "spring", "source": "newsletter", "medium": "email"},
    "device": {
        "id": "d-0001",
        "token": "push-token-0001",
        "type": "ios",
        "manufacturer": "Apple",
        "model": "iPhone15,2",
        "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB",
    },
    "ip": "192.0.2.1",
    "library": {"name": "analytics-python", "version": "2.4.0"},
    "locale": "en-GB",
    "os": {"name": "iOS", "version": "18.1"},
    "page": {
        "url": "https://shop.example/products/1?ref=mail",
        "path": "/products/1",
        "title": "Widget",
        "referrer": "https://search.example/",
        "search": "?ref=mail",
    },
    "timezone": "Europe/Paris",
    "userAgent": "Mozilla/5.0",
}
"""``context``, after Segment's spec: Common Fields."""

TRAITS: Final[dict[str, Any]] = {
    "email": "ann@example.com",
    "firstName": "Ann",
    "lastName": "Lee",
    "name": "Ann Lee",
    "phone": "+33612345678",
    "plan": "pro",
    "logins": 7,
    "createdAt": "2025-03-04T05:06:07Z",
    "birthday": "1990-05-06",
    "address": {"street": "1 Main Street", "city": "Lyon", "country": "FR", "postalCode": "69001"},
}

PROPERTIES: Final[dict[str, Any]] = {
    "order_id": "o-0001",
    "total": 59.9,
    "revenue": 49.9,
    "currency": "EUR",
    "coupon": None,
    "email": "ann@example.com",
    "products": [
        {"product_id": "p-1", "sku": "W-1", "name": "Widget", "price": 19.95, "quantity": 2},
        {"product_id": "p-2", "sku": "G-1", "name": "Gadget", "price": 10.0, "quantity": 1},
    ],
}

_OF_TYPE: Final[dict[str, dict[str, Any]]] = {
    "track": {"event": "Order Completed", "properties": PROPERTIES},
    "identify": {"traits": TRAITS},
    "page": {
        "name": "Product",
        "category": "Shop",
        "properties": {**CONTEXT["page"], "name": "Product", "category": "Shop"},
    },
    "screen": {"name": "Product", "properties": {"name": "Product", "variation": "red"}},
    "group": {
        "groupId": "g-0001",
        "traits": {"name": "Acme", "industry": "Tools", "employees": 250, "plan": "enterprise"},
    },
    "alias": {"previousId": "anon-0001"},
    "delete": {},
}


def standard_event(type: str = "track", /, **members: Any) -> dict[str, Any]:  # noqa: A002  Segment's
    """Return an event of a type (track, identify, page, screen, group, alias, delete).

    ``members`` replace its own; None takes one out. Each call gives a new one, to change at will.
    """
    event = {
        "type": type,
        "messageId": f"m-{type}-0001",
        "userId": "u-0001",
        "anonymousId": "anon-0001",
        "timestamp": "2026-11-23T10:00:00.000Z",
        "context": CONTEXT,
        "integrations": {},
        **_OF_TYPE.get(type, {}),
        **members,
    }
    return copy.deepcopy({key: value for key, value in event.items() if value is not None})


def standard_events() -> list[dict[str, Any]]:
    """Return one event of every type that subscriptions can select."""
    return [standard_event(kind) for kind in _OF_TYPE if kind != "delete"]
