"""Write the events of ``destinations demo``: thirty days of an invented shop, always the same.

    python plugins/customerio/tools/make_demo_events.py

Names are invented, domains are those of RFC 2606, addresses those of RFC 5737, telephone numbers
those reserved for fiction. One event in a hundred is troublesome on purpose, so that a
demonstration has rejections to show.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

Event = dict[str, Any]

TARGET = Path(__file__).parents[1] / "destination_customerio" / "demo" / "events.ndjson"
SEED = 20_261_001
START = datetime(2026, 10, 1, 6, tzinfo=UTC)
DAYS = 30
CUSTOMERS = 104
VISITORS = 45

FIRST_NAMES = ("Ann", "Bo", "Cleo", "Dario", "Edda", "Greta", "Idris", "Kaia", "Nils", "Oona")
LAST_NAMES = ("Abendroth", "Brookside", "Dunmore", "Fairwater", "Juniper", "Northgate")
DOMAINS = ("example.com", "example.org", "example.net")
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
LOCALES = ("en-US", "en-GB", "de-DE", "fr-FR", "es-MX", "pt-BR", "ja-JP")
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0",
)
PRODUCTS = (
    ("tea-green", "Sencha, 100 g", "Tea", 12.5),
    ("tea-black", "Assam, 100 g", "Tea", 9.9),
    ("pot-small", "Iron pot, 0.6 l", "Teaware", 42.0),
    ("cup-pair", "Two cups, stoneware", "Teaware", 24.5),
    ("kettle", "Kettle with thermometer", "Appliances", 89.0),
    ("sampler", "Sampler of seven teas", "Gifts", 29.95),
)
ACCOUNTS = ("Acme Tearooms", "Birch Canteens", "Cedar Kitchens", "Dune Hotels", "Elm Cafés")
PAGES = ("/", "/tea", "/teaware", "/gifts", "/blog/how-to-brew", "/about", "/shipping")
SCREENS = ("Home", "Catalogue", "Product", "Cart", "Orders", "Settings")
PHONES = (("ios", "iPhone16,2", "18.6"), ("android", "Pixel 9", "15"))


class Somebody:
    """One browser, perhaps one phone, and the clock of whoever uses them."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.chance = chance
        self.number = number
        self.user_id: str | None = None
        self.anonymous_id = self.uuid()
        self.now = START + timedelta(minutes=chance.randrange(DAYS * 20 * 60))
        self.ip = f"{chance.choice(NETWORKS)}.{chance.randrange(1, 255)}"
        self.locale = chance.choice(LOCALES)
        self.browser = chance.choice(BROWSERS)
        self.phone = chance.choice(PHONES)
        self.token = f"{chance.getrandbits(160):040x}"

    def uuid(self) -> str:
        """Draw an ID."""
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def wait(self, least: int, most: int) -> None:
        """Let some seconds pass."""
        self.now += timedelta(milliseconds=self.chance.randrange(least * 1000, most * 1000))

    def often(self, percent: int) -> bool:
        """Tell whether something happens that does in so many of a hundred cases."""
        return self.chance.randrange(100) < percent

    def web(self, kind: str, **rest: Any) -> Event:
        """Make an event of the browser."""
        self.wait(4, 240)
        context: Event = {
            "ip": self.ip,
            "locale": self.locale,
            "userAgent": self.browser,
            "library": {"name": "analytics.js", "version": "next-1.81.0"},
        }
        return self._event(kind, rest, context)

    def app(self, kind: str, **rest: Any) -> Event:
        """Make an event of the phone."""
        self.wait(2, 90)
        platform, model, version = self.phone
        context: Event = {
            "ip": self.ip,
            "locale": self.locale,
            "app": {"name": "Leaf & Pot", "version": "4.2.0", "build": "420"},
            "device": {"token": self.token, "type": platform, "model": model},
            "os": {"name": platform, "version": version},
            "library": {"name": f"analytics-{platform}", "version": "4.3.1"},
        }
        return self._event(kind, rest, context)

    def server(self, kind: str, **rest: Any) -> Event:
        """Make an event of the shop's own server, which knows no anonymous ID."""
        self.wait(30, 900)
        library = {"name": "analytics-python", "version": "2.3.4"}
        return self._event(kind, rest, {"library": library}, anonymous=False)

    def _event(self, kind: str, rest: Event, context: Event, *, anonymous: bool = True) -> Event:
        event: Event = {"type": kind, "messageId": self.uuid(), "timestamp": instant(self.now)}
        if self.user_id is not None:
            event["userId"] = self.user_id
        if anonymous:
            event["anonymousId"] = self.anonymous_id
        return event | rest | {"context": context}


def instant(moment: datetime) -> str:
    """Write a moment as Segment does."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page(who: Somebody, path: str) -> Event:
    """Make a page view."""
    properties = {"url": f"https://shop.example.com{path}", "path": path, "title": "Leaf & Pot"}
    return who.web("page", name=path.strip("/").title() or "Home", properties=properties)


def track(who: Somebody, event: str, /, **properties: Any) -> Event:
    """Make a track event of the browser."""
    return who.web("track", event=event, properties=properties)


def product(who: Somebody) -> Event:
    """Draw a product."""
    key, name, category, price = who.chance.choice(PRODUCTS)
    return {"product_id": key, "name": name, "category": category, "price": price, "quantity": 1}


def browsing(who: Somebody) -> Iterator[Event]:
    """Look around."""
    for _ in range(who.chance.randrange(2, 5)):
        yield page(who, who.chance.choice(PAGES))
    if who.often(40):
        query = who.chance.choice(("green tea", "gift", "iron pot"))
        yield track(who, "Products Searched", query=query)
    if who.often(70):
        yield track(who, "Product Viewed", **product(who), currency="EUR")


def signing_up(who: Somebody) -> Iterator[Event]:
    """Become known; now and then first as a lead."""
    first = who.chance.choice(FIRST_NAMES)
    last = who.chance.choice(LAST_NAMES)
    lead = who.often(10)
    who.user_id = f"lead-{who.number}" if lead else f"user-{who.number}"
    email = f"{first}.{last}.{who.number}@{who.chance.choice(DOMAINS)}".lower()
    traits = {
        "email": email,
        "firstName": first,
        "lastName": last,
        "plan": who.chance.choice(("free", "free", "plus", "club")),
        "createdAt": instant(who.now),
        "phone": f"+120255501{who.chance.randrange(100):02d}",
        "address": {"city": "Springfield", "country": who.locale[-2:]},
    }
    yield who.web("identify", traits=traits)
    yield track(who, "Signed Up", method=who.chance.choice(("email", "single sign-on")))
    if lead:
        previous, who.user_id = who.user_id, f"user-{who.number}"
        yield who.web("identify", traits={"email": f"shop-{email}", "firstName": first})
        who.wait(3600, 7200)
        yield who.server("alias", previousId=previous)


def shopping(who: Somebody) -> Iterator[Event]:
    """Fill a basket, and perhaps pay."""
    who.wait(3600, 4 * 86_400)
    yield page(who, who.chance.choice(PAGES))
    yield track(who, "Product List Viewed", list_id="tea", category="Tea")
    basket = [product(who) for _ in range(who.chance.randrange(1, 4))]
    for one in basket:
        yield track(who, "Product Viewed", **one, currency="EUR")
        yield track(who, "Product Added", cart_id=f"cart-{who.number}", **one)
    if who.often(30):
        yield track(who, "Product Removed", cart_id=f"cart-{who.number}", **basket.pop())
    yield track(who, "Cart Viewed", cart_id=f"cart-{who.number}", products=basket)
    if not basket or who.often(35):
        return
    order_id = f"order-{who.chance.randrange(10**8):08d}"
    total = round(sum(one["price"] for one in basket), 2)
    yield track(who, "Checkout Started", order_id=order_id, value=total, currency="EUR")
    bought = {"order_id": order_id, "total": total, "currency": "EUR", "products": basket}
    yield who.server("track", event="Order Completed", properties=bought)
    if who.often(8):
        yield who.server("track", event="Order Refunded", properties={"order_id": order_id})


def installing(who: Somebody) -> Iterator[Event]:
    """Use the app."""
    who.wait(600, 86_400)
    build = {"version": "4.2.0", "build": "420"}
    yield who.app("track", event="Application Installed", properties=build)
    for _ in range(who.chance.randrange(1, 3)):
        yield who.app("track", event="Application Opened", properties={"from_background": False})
        for _ in range(who.chance.randrange(1, 4)):
            yield who.app("screen", name=who.chance.choice(SCREENS), properties={"tab": "main"})
    if who.often(12):
        yield who.app("track", event="Application Uninstalled", properties={})


def joining(who: Somebody) -> Iterator[Event]:
    """Join an account."""
    account = who.chance.randrange(len(ACCOUNTS))
    shared = {"name": ACCOUNTS[account], "seats": 10 + account}
    role = {"role": who.chance.choice(("buyer", "admin", "guest"))}
    traits = {"objectAttributes": shared, "relationshipAttributes": role, "object_type_id": "1"}
    yield who.web("group", groupId=f"account-{account + 1}", traits=traits)
    if who.often(10):
        gone = {"objectId": f"account-{account + 1}", "object_type_id": "1"}
        yield who.server("track", event="Relationship Deleted", properties=gone)


def reading(who: Somebody) -> Iterator[Event]:
    """Get a message, and perhaps open it."""
    report = {"deliveryId": f"dlv-{who.chance.getrandbits(64):016x}", "metric": "delivered"}
    yield who.server("track", event="Report Delivery Event", properties=report)
    if who.often(50):
        opened = report | {"metric": "opened"}
        yield who.server("track", event="Report Delivery Event", properties=opened)


def leaving(who: Somebody) -> Iterator[Event]:
    """Go, rarely: deleted or suppressed."""
    who.wait(86_400, 2 * 86_400)
    if who.number % 45 == 1:
        yield who.server("track", event="User Deleted", properties={})
    elif who.number % 45 == 2:  # noqa: PLR2004  one customer in forty-five
        yield who.server("track", event="User Suppressed", properties={})
        if who.number > CUSTOMERS // 2:
            yield who.server("track", event="User Unsuppressed", properties={})


def life(who: Somebody) -> Iterator[Event]:
    """Give the events of a customer, from the first page view on."""
    yield from browsing(who)
    yield from signing_up(who)
    for _ in range(who.chance.randrange(1, 3)):
        yield from shopping(who)
    for chapter, percent in ((installing, 40), (joining, 30), (reading, 35)):
        if who.often(percent):
            yield from chapter(who)
    yield from leaving(who)


def troubles(who: Somebody) -> Iterator[Event]:
    """Give events that can be read and yet cannot all be delivered."""
    long_name = "Viewed a product whose name is a whole paragraph that somebody pasted, " * 2
    for number in range(5):
        who.wait(3600, 3 * 86_400)
        who.user_id = f"user-t{number}"
        yield who.web("identify", traits={"firstName": "Nobody", "plan": "free"})
        yield track(who, long_name, number=number)
        yield who.web("page", name="Nowhere", properties={"title": "A page without an address"})
        email = f"long.{number}@example.com"
        yield who.web("identify", traits={"email": email, "biography": "Tea. " * 300})
    nobody = Somebody(who.chance, 0)
    yield nobody.server("track", event="Heartbeat", properties={"healthy": True})
    yield who.app("track", event="Application Opened", properties={}) | {"context": {}}
    yield who.web("track", event="Wrong Types", properties=["not", "an", "object"])
    yield who.web("identify", traits="not an object either")
    yield who.web("group", traits={"objectAttributes": {"name": "A group without an ID"}})
    yield who.server("alias")
    yield track(who, "Came Yesterday") | {"timestamp": "yesterday, about noon"}


def events() -> list[Event]:
    """Return all events in the order in which they happened."""
    chance = random.Random(SEED)
    made: list[Event] = []
    for number in range(1, CUSTOMERS + 1):
        made.extend(life(Somebody(chance, number)))
    for number in range(VISITORS):
        made.extend(browsing(Somebody(chance, number)))
    made.extend(troubles(Somebody(chance, 0)))
    closing = {"objectId": f"account-{len(ACCOUNTS)}", "object_type_id": "1"}
    last = Somebody(chance, 0)
    last.now = START + timedelta(days=DAYS)
    made.append(last.server("track", event="Object Deleted", properties=closing))
    return sorted(made, key=lambda event: str(event["timestamp"]))


def render() -> bytes:
    """Return the events as NDJSON."""
    lines = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events()]
    return ("\n".join(lines) + "\n").encode()


if __name__ == "__main__":
    TARGET.write_bytes(render())
