"""Definition checks: each fault is found, with its rule, its action, its field and its line."""

import inspect
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, SecretStr

import destination_core as dc
from destination_core.lint import Finding, lint
from tests import acme
from tests.command_line import CommandLine


class Settings(dc.Settings):
    """Settings, some of which sound like secrets."""

    api_key: Annotated[SecretStr, Field(description="A secret.")]
    key_id: Annotated[str, Field(description="Not one.")] = ""
    token_url: Annotated[str, Field(description="Not one.")] = ""
    clientSecret: Annotated[str, Field(description="Looks like one.")] = ""  # noqa: N815
    access_token: Annotated[str, Field(description="Looks like one.")] = ""
    region: Annotated[Literal["us", "eu"], Field(description="D")] = "US"  # type: ignore[assignment]


class Inherited(dc.Payload):
    """A payload to inherit from."""

    nobody: Annotated[str, Field(description="Required, unmapped.")]


class Payload(Inherited):
    """A payload with every fault."""

    chosen: Annotated[str, dc.field(unmapped="the customer picks a list"), Field(description="D")]
    odd: Annotated[Any, dc.literal((1, 2)), Field(description="JSON has no tuples.")] = None
    broken: Annotated[str, dc.literal({"@nope": 1}), Field(description="No directive.")] = ""
    password: Annotated[str, dc.path("$.p"), Field(description="A credential.")] = ""
    token: Annotated[str, dc.path("$.t")] = ""
    size: Annotated[str, Field(alias="bigSize", description="D")] = 5  # type: ignore[assignment]


async def act(ctx: dc.Context[Any], payload: Payload) -> None:
    """Do nothing."""


async def acts(ctx: dc.Context[Any], payloads: Any) -> None: ...


def destination(**options: Any) -> dc.Destination[Settings]:
    """Make a destination with every fault."""
    made = dc.Action(
        "do it", act, payload=Payload, subscribe="type = ", title="Do it",
        description=options.pop("description", "Does it."),
    )  # fmt: skip
    made.batch(size=5, keys=["nope"])(acts)
    options = {"title": "Odd", "batching": dc.Batching(keys=("none",)), **options}
    return dc.Destination("Odd_Slug", settings=Settings, actions=[made], **options)


def found(rule: str, **options: Any) -> list[tuple[str, str]]:
    """Return action and field of the findings by one rule."""
    return [(one.action, one.field) for one in lint(destination(**options)) if one.rule == rule]


PRESET = dc.Preset("P", "do it", "nonsense =", {"unknown": 1, "odd": {"@nope": 1}})


@pytest.mark.parametrize(
    ("rule", "options", "wanted"),
    [
        ("slug", {}, [("", ""), ("do it", "")]),
        ("secret", {}, [("", "clientSecret"), ("", "access_token"), ("do it", "password")]),
        ("batch-key", {}, [("", "none"), ("do it", "nope")]),
        ("required-field", {}, [("do it", "nobody")]),
        ("default-mapping", {}, [("do it", "odd"), ("do it", "broken")]),
        ("default", {}, [("", "region"), ("do it", "bigSize")]),
        ("trigger", {}, [("do it", "")]),
        ("title", {"title": ""}, [("", "")]),
        ("description", {"description": ""}, [("do it", ""), ("do it", "token")]),
        (
            "preset",
            {"presets": [PRESET]},
            [("do it", ""), ("do it", "unknown"), ("do it", "nobody"), ("do it", "chosen"),
             ("do it", "")],
        ),
    ],
)  # fmt: skip
def test_a_fault_is_found(
    rule: str, options: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    """By the rule that is for it, at its action and its field, and nothing beside it."""
    assert found(rule, **options) == wanted


def test_a_reason_makes_a_required_field_without_a_mapping_sound() -> None:
    """The author gives it to the field, or whoever asks gives it."""
    assert [one.rule for one in lint(destination(), exempt={"do it.nobody": "because"})].count(
        "required-field"
    ) == 0


def test_a_finding_has_the_line_of_the_field() -> None:
    """Also of one that is inherited, and of the handler where it is about the action."""
    lines = inspect.getsource(inspect.getmodule(act)).splitlines()  # type: ignore[arg-type]

    def line(one: Finding) -> str:
        assert one.place is not None
        assert one.place.file == __file__
        return lines[one.place.line - 1].strip()

    places = {(one.rule, one.field): line(one) for one in lint(destination()) if one.place}
    assert places["required-field", "nobody"].startswith("nobody: Annotated")
    assert places["secret", "access_token"].startswith("access_token: Annotated")
    assert places["trigger", ""].startswith("async def act(")


def test_a_model_without_source_has_no_place() -> None:
    """One built from Segment's JSON at run time."""
    model = dc.payload_model("Made", {"id": {"label": "ID", "type": "string", "required": True}})
    made = dc.Action("made", act, payload=model, title="Made", description="Made.")
    one = dc.Destination("made", title="Made", settings=dc.Settings, actions=[made])
    (finding,) = [finding for finding in lint(one) if finding.rule == "required-field"]
    assert (finding.field, finding.place) == ("id", None)


def test_a_slip_in_a_default_mapping_is_a_warning() -> None:
    """It is legal, and probably not meant."""

    class Slips(dc.Payload):
        name: Annotated[str, dc.template("{{traits.first} {{traits.last}}")] = ""
        email: Annotated[str, dc.coalesce("$.traits..email", "$.userId")] = ""
        fine: Annotated[str, dc.template("{{{traits.a}}} {b} {{traits['x..y']}}")] = ""
        quoted: Annotated[str, dc.path("$.traits['a..b']")] = ""
        spaced: Annotated[str, dc.path("$.traits[ 'a..b' ]")] = ""

    made = dc.Action("slips", act, payload=Slips, title="Slips", description="Has slips.")
    one = dc.Destination("slips", title="Slips", settings=dc.Settings, actions=[made])
    slips = {it.field: it.message for it in lint(one) if it.rule == "default-mapping"}
    assert slips.keys() == {"name", "email"}
    assert "braces without their other half" in slips["name"]
    assert "'$.traits..email' has nothing between two dots" in slips["email"]


def test_what_is_advice_is_no_error() -> None:
    """The plugin of the README is sound; its fields could say more."""
    levels = {one.level for one in lint(acme.register_destination())}
    assert levels == {"warning"}


def test_the_command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing to find: 0; a fault: 1, with its line; no such plugin: 3."""
    run = CommandLine(monkeypatch, capfd)
    sound = run("lint", "customerio")
    assert (sound.code, sound.out) == (0, "customerio: nothing to find fault with\n")
    assert run("lint", "nowhere").code == 3

    def discover() -> dc.Registry:
        return dc.Registry.of(acme, broken)

    made = destination(presets=[PRESET])
    broken = type("odd", (), {"register_destination": staticmethod(dc.hookimpl(lambda: made))})()
    monkeypatch.setattr(dc.Registry, "discover", staticmethod(discover))
    faulty = run("lint", "Odd_Slug")
    assert faulty.code == 1
    assert "test_lint.py:" in faulty.out
    assert "error: setting 'access_token' sounds like a secret" in faulty.out
    answer = run("lint", "Odd_Slug", "--json").json()
    assert answer["errors"] == sum(one["level"] == "error" for one in answer["findings"])
    assert [run("lint", "acme").code, run("lint", "acme", "--strict").code] == [0, 1]
