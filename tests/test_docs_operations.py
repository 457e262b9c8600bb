"""The page for operators: every metric is on it, every query and command on it can be run."""

import re
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from destination_core import metrics
from destination_core.server import Server, Source, Sources
from destination_core.work import Delivery
from tests.observed import observed, person

ROOT = Path(__file__).parents[1]
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
RULES = (ROOT / "deploy/prometheus/destinations.rules.yaml").read_text("utf-8")

ROW = re.compile(r"^\| `(destinations_\w+)` \|([^|]*)\|", re.MULTILINE)
NAMED = re.compile(r"\b(destinations_\w+)(?:\{([^}]*)\})?")


async def shown(path: Path) -> tuple[dict[str, set[str]], set[str], dict[str, set[str]]]:
    """Return what `/metrics` shows: labels by family, names of samples, values by label."""
    async with observed(path, 503, 400) as here:
        sources = Sources([Source("web", ("wk",))])
        async with (
            Server(sources, here.runner.put, port=0) as server,
            aiohttp.ClientSession() as session,
        ):
            here.metrics.server = server
            body = {"writeKey": "wk", "batch": [person(1), {}]}
            async with session.post(f"http://127.0.0.1:{server.port}/v1/b", json=body) as answer:
                assert answer.status == 200
            await here.settled()
            warned = Delivery(person(1), "a", "Upsert", "upsertContact", warnings=("cut",))
            here.metrics._observe("a", [], [[warned]])
            here.runner.workers["a"].rate = 10.0
            text = (await here.metrics.page()).body.decode()
    families: dict[str, set[str]] = {}
    names: set[str] = set()
    values: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        name = {"counter": f"{family.name}_total", "info": f"{family.name}_info"}.get(
            family.type, family.name
        )
        labels = families.setdefault(name, set())
        for sample in family.samples:
            names.add(sample.name)
            labels |= set(sample.labels) - {"le"}
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    return families, names, values


async def test_the_table_has_every_metric_with_its_labels(tmp_path: Path) -> None:
    """None is missing, none has gone, no label either."""
    families, _, _ = await shown(tmp_path / "q")
    ours = {name: labels for name, labels in families.items() if name.startswith("destinations")}
    told = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in ROW.findall(OPERATIONS)}
    assert told == ours
    assert any(name.startswith("process_") for name in families)
    assert f"{metrics.MOST_CODES} codes per destination" in OPERATIONS


async def test_queries_and_alerts_speak_of_what_there_is(tmp_path: Path) -> None:
    """Names of samples, labels, and those values that are fixed."""
    _, names, values = await shown(tmp_path / "q")
    fixed: Mapping[str, set[str]] = {
        "state": {*metrics.STATES, *metrics.BREAKERS},
        "outcome": {"ok", "retryable", "permanent", "setup"},
        "result": {"ok", "refused"},
    }
    queries = [*re.findall(r"`((?:sum|histogram_quantile)[^`]*)`", OPERATIONS), RULES]
    used = [found for query in queries for found in NAMED.findall(query)]
    assert len(used) > 20
    for name, selectors in used:
        assert name in names
        for label, value in re.findall(r'(\w+)(?:=|!=|=~|!~)"([^"]*)"', selectors):
            assert label in values
            assert not (label in fixed and value not in fixed[label])


def test_every_alert_is_explained() -> None:
    """By name, with what to do."""
    alerts = re.findall(r"alert: (\w+)", RULES)
    assert len(alerts) == len(set(alerts)) > 10
    assert [one for one in alerts if one not in OPERATIONS] == []
    explained = set(re.findall(r"\bDestinations[A-Z]\w+", OPERATIONS))
    assert explained == set(alerts)
