"""Golden requests: written when asked, compared otherwise; a file that compares nothing fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from destination_core.testing import Golden

EVENT: dict[str, Any] = {"type": "track"}
REQUESTS: list[Any] = [{"url": "https://x.example", "body": 1}]


@pytest.fixture
def golden(tmp_path: Path) -> Golden:
    """Give a folder with the file of one case."""
    Golden(tmp_path, update=True).check("act", EVENT, REQUESTS, batch=REQUESTS)
    return Golden(tmp_path, update=False)


def test_a_case_is_written_and_compared(golden: Golden, tmp_path: Path) -> None:
    """The event first, then what it became; what is equal passes."""
    golden.check("act", EVENT, REQUESTS, batch=REQUESTS)
    assert list(json.loads((tmp_path / "act.json").read_text())) == ["event", "requests", "batch"]


@pytest.mark.parametrize("body", [2, True, 1.0, "1", None], ids=repr)
def test_a_difference_is_shown(golden: Golden, body: Any) -> None:
    """Line by line, also where Python takes the two for equal."""
    with pytest.raises(AssertionError, match="not the requests") as caught:
        golden.check("act", EVENT, [{**REQUESTS[0], "body": body}], batch=REQUESTS)
    lines = str(caught.value).splitlines()
    assert '-      "body": 1,' in lines
    assert f'+      "body": {json.dumps(body)},' in lines


def test_a_batch_that_went_missing_is_a_difference(golden: Golden) -> None:
    """What the file has and nobody sends is as wrong as the opposite."""
    with pytest.raises(AssertionError, match="not the requests"):
        golden.check("act", EVENT, REQUESTS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is missing; run pytest with --update-requests"),
        ("", "is empty"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        ('{"event": {"type": "track"}, "requests": []}', "holds no request"),
    ],
    ids=["missing", "empty", "broken", "list", "no-request"],
)
def test_a_file_that_compares_nothing_fails(tmp_path: Path, text: str | None, said: str) -> None:
    """With what to do."""
    if text is not None:
        (tmp_path / "act.json").write_text(text)
    with pytest.raises(AssertionError, match=said):
        Golden(tmp_path, update=False).check("act", EVENT, REQUESTS)


@pytest.mark.parametrize("update", [False, True])
def test_nothing_that_was_sent_fails(tmp_path: Path, update: bool) -> None:
    """It is never written down as right."""
    golden = Golden(tmp_path, update=update)
    with pytest.raises(AssertionError, match="requests are none"):
        golden.check("act", EVENT, [])
    with pytest.raises(AssertionError, match="batch are none"):
        golden.check("act", EVENT, REQUESTS, batch=[])
    assert list(tmp_path.iterdir()) == []


def test_an_action_may_have_more_cases(golden: Golden, tmp_path: Path) -> None:
    """Each is a file with an event of its own; a file of no action is unused."""
    (tmp_path / "act.refund.json").write_text('{"event": {"type": "track", "event": "Refund"}}')
    (tmp_path / "act.empty.json").write_text("{}")
    (tmp_path / "gone.json").write_text("{}")
    assert golden.cases("act") == ["act", "act.empty", "act.refund"]
    assert golden.event("act.refund")["event"] == "Refund"
    with pytest.raises(AssertionError, match='holds no "event"; write one'):
        golden.event("act.empty")
    assert golden.unused(["act"]) == [tmp_path / "gone.json"]


SUITE = """
from pathlib import Path
from typing import ClassVar
from destination_core.testing import DestinationSuite
from tests import acme

class TestAcme(DestinationSuite):
    plugin = acme
    settings: ClassVar = {"api_key": "key-of-the-suite"}
    golden = Path(__file__).parent / "golden"
"""


def test_the_suite_writes_and_compares_every_case(tmp_path: Path) -> None:
    """As an author does: a case is a file with an event; --update-requests fills it in."""
    (tmp_path / "test_acme.py").write_text(SUITE)
    folder = tmp_path / "golden"
    folder.mkdir()
    event = {"type": "identify", "userId": "u-2", "traits": {"email": "b@example.com"}}
    case = folder / "upsertContact.short.json"
    case.write_text(json.dumps({"event": event}))

    def pytest_run(*options: str) -> str:
        (tmp_path / "none.ini").write_text("[pytest]\n")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-k", "golden", str(tmp_path), *options,
             "-p", "no:randomly", "-p", "no:xdist", "-c", str(tmp_path / "none.ini")],
            capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        ).stdout  # fmt: skip

    assert "3 passed" in pytest_run("--update-requests")
    written = json.loads(case.read_text())
    (request,) = written["requests"]
    assert request == {
        "method": "PUT",
        "url": "https://us.acme.test/v1/contacts/u-2",
        "headers": {"Authorization": "[redacted]", "Content-Type": "application/json"},
        "body": {"id": "u-2", "email": "b@example.com", "name": " ",
                 "attributes": {"email": "b@example.com"}},
    }  # fmt: skip
    assert written["batch"][0]["url"].endswith("/contacts/batch")
    assert "3 passed" in pytest_run()
    case.write_text(case.read_text().replace('"u-2"', '"u-3"', 1))
    (folder / "gone.json").write_text("{}")
    failed = pytest_run()
    assert "2 failed, 1 passed" in failed
    assert "golden files of no action" in failed
    assert '+      "url": "https://us.acme.test/v1/contacts/u-3"' in failed
    refusing = SUITE.replace("    golden =", "    reply = Reply(400)\n    golden =")
    (tmp_path / "test_acme.py").write_text(
        refusing.replace("DestinationSuite\n", "DestinationSuite, Reply\n", 1)
    )
    assert "golden case 'upsertContact' was not delivered" in pytest_run()
