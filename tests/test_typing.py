"""What `mypy --strict` accepts of an author's code, and what it must refuse."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEAD = """
from collections.abc import Sequence
from typing import Annotated
import destination_core as dc

class Settings(dc.Settings):
    key: str

class OtherSettings(dc.Settings):
    token: str

class Contact(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]

class Order(dc.Payload):
    total: float

@dc.action("upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> None:
    await ctx.http.put(f"/{contact.id}", json={"key": ctx.settings.key})
"""

REFUSED = {
    "batch handler for another payload": """
@upsert.batch(size=10)
async def upserts(ctx: dc.Context[Settings], orders: Sequence[Order]) -> None: ...
""",
    "action of other settings": """
dc.Destination("x", title="X", settings=OtherSettings, actions=[upsert])
""",
    "handler that is not async": """
@dc.action("sync")
def sync(ctx: dc.Context[Settings], contact: Contact) -> None: ...
""",
    "batch handler that is not async": """
@upsert.batch(size=10)
def upserts(ctx: dc.Context[Settings], contacts: Sequence[Contact]) -> None: ...
""",
    "payload that is no model": """
@dc.action("dict")
async def handle(ctx: dc.Context[Settings], payload: dict[str, str]) -> None: ...
""",
    "field that the payload does not have": """
@dc.action("typo")
async def typo(ctx: dc.Context[Settings], contact: Contact) -> None:
    print(contact.emial)
""",
    "outcome of the wrong type": """
@upsert.batch(size=10)
async def upserts(ctx: dc.Context[Settings], contacts: Sequence[Contact]) -> list[str]:
    return []
""",
}


@pytest.mark.timeout(300)
def test_mypy_accepts_the_author_api_and_refuses_what_is_wrong(tmp_path: Path) -> None:
    """Each wrong program has an error in its own lines; the right ones have none."""
    accepted = tmp_path / "accepted.py"
    accepted.write_text(HEAD + "@upsert.batch(size=10)\n" + ACCEPTED)
    files = {accepted: "", ROOT / "tests" / "acme.py": ""}
    for number, (name, source) in enumerate(REFUSED.items()):
        path = tmp_path / f"refused_{number}.py"
        path.write_text(HEAD + source)
        files[path] = name
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file",
        str(ROOT / "pyproject.toml"),
    ]
    done = subprocess.run(
        [*command, "--cache-dir", str(tmp_path / "cache"), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    places = re.findall(r"^(.+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    faults = {Path(path).name: int(line) for path, line, _ in places}
    for path, name in files.items():
        if name:
            assert faults.get(path.name, 0) > HEAD.count("\n"), (
                f"{name} was accepted\n{done.stdout}"
            )
        else:
            assert path.name not in faults, done.stdout


ACCEPTED = """
async def upserts(ctx: dc.Context[Settings], contacts: Sequence[Contact]) -> list[dc.Outcome]:
    return [dc.Outcome() for _ in contacts]

@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("x", title="X", settings=Settings, actions=[upsert])

@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    return dc.RequestOptions("https://x.test", {"Authorization": settings.key})
"""
