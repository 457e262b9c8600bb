"""Payload models as authors write them."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator

from destination_core import schema
from destination_core.errors import InvalidPayload, PluginError
from destination_core.mapping import Directive
from destination_core.schema import Condition, Payload, PayloadSchema, Requirement

COALESCE = {"@if": {"exists": {"@path": "$.userId"}, "then": {"@path": "$.userId"}}}


class Contact(Payload):
    """What the plan of the house shows to authors."""

    id: Annotated[str, Directive(COALESCE)]
    email: Annotated[str | None, Directive({"@path": "$.traits.email"})] = None
    name: Annotated[str, Directive({"@template": "{{traits.name}}"})] = ""
    visits: int = 0
    score: float | None = None
    vip: bool = False
    region: Literal["us", "eu"] = "us"
    tags: list[str] = Field(default_factory=list)
    attributes: Annotated[dict[str, Any], Directive({"@path": "$.traits"})] = Field(
        default_factory=dict
    )


CONTACT = PayloadSchema(Contact)


def problems(checked: PayloadSchema, data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPayload) as caught:
        checked.validate(data)
    assert str(caught.value) == " ".join(one.message for one in caught.value.problems)
    return [(one.pointer, one.message) for one in caught.value.problems]


class TestStrictFirst:
    def test_takes_what_fits(self):
        """Data that fits is taken as it is; absent fields have the author's defaults."""
        contact = CONTACT.validate({"id": "u1", "visits": 3, "attributes": {"a": None}})
        assert contact == Contact(id="u1", visits=3, attributes={"a": None})
        assert (contact.email, contact.region, contact.tags) == (None, "us", [])

    def test_does_not_share_containers(self):
        """A handler that changes an object of the payload does not change the event."""
        data = {"id": "u1", "attributes": {"a": 1}, "tags": ["x"]}
        contact = CONTACT.validate(data)
        contact.attributes["b"] = 2
        contact.tags.append("y")
        assert data == {"id": "u1", "attributes": {"a": 1}, "tags": ["x"]}

    def test_payloads_are_immutable(self):
        """A payload may be handed out again, for a retry."""
        with pytest.raises(ValueError, match="frozen"):
            CONTACT.validate({"id": "u1"}).id = "u2"

    def test_leaves_the_data_alone(self):
        """Neither path changes what it was given."""
        data = {"id": 5, "email": None, "tags": "x", "unknown": 1}
        CONTACT.validate(data)
        assert data == {"id": 5, "email": None, "tags": "x", "unknown": 1}


class TestCoercions:
    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            ({"id": 5}, {"id": "5"}),
            ({"id": 1e21}, {"id": "1e+21"}),
            ({"id": 5.0}, {"id": "5"}),
            ({"id": True}, {"id": "true"}),
            ({"id": ["a"]}, {"id": "a"}),
            ({"id": "a", "visits": "7"}, {"id": "a", "visits": 7}),
            ({"id": "a", "visits": 7.0}, {"id": "a", "visits": 7}),
            ({"id": "a", "visits": True}, {"id": "a", "visits": 1}),
            ({"id": "a", "score": " 1.5\n"}, {"id": "a", "score": 1.5}),
            ({"id": "a", "vip": "true"}, {"id": "a", "vip": True}),
            ({"id": "a", "vip": 0}, {"id": "a", "vip": False}),
            ({"id": "a", "tags": "x"}, {"id": "a", "tags": ["x"]}),
            ({"id": "a", "tags": [1, None, "x"]}, {"id": "a", "tags": ["1", "x"]}),
            ({"id": "a", "name": ""}, {"id": "a"}),
            ({"id": "a", "email": None, "vip": ""}, {"id": "a"}),
            ({"id": "a", "other": 1}, {"id": "a"}),
        ],
    )
    def test_does_what_segment_does(self, given, taken):
        """Scalars are converted, lists wrapped and unwrapped, what is empty or unknown dropped."""
        assert CONTACT.validate(given).model_dump(exclude_unset=True) == taken

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ({}, [("", "The root value is missing the required field 'id'.")]),
            ({"id": ""}, [("", "The root value is missing the required field 'id'.")]),
            ({"id": [None]}, [("/id", "Id must be a string but it was an array.")]),
            ({"id": {"a": 1}}, [("/id", "Id must be a string but it was an object.")]),
            (
                {"id": "a", "visits": 1.5, "region": "asia"},
                [
                    ("/visits", "Visits must be an integer but it was a number."),
                    ("/region", 'Region must be one of: "us" or "eu".'),
                ],
            ),
            (
                {"id": "a", "score": "0x1f"},
                [("/score", "Score must be a number but it was a string.")],
            ),
            (
                {"id": "a", "score": float("nan")},
                [("/score", "Score must be a number but it was NaN.")],
            ),
            (
                {"id": "a", "score": float("-inf")},
                [("/score", "Score must be a number but it was -Infinity.")],
            ),
            (
                {"id": "a", "tags": [{}]},
                [("/tags/0", "The value at /tags/0 must be a string but it was an object.")],
            ),
            ([], [("", "The root value must be an object but it was an array.")]),
        ],
    )
    def test_says_what_does_not_fit(self, given, found):
        """Each problem has a JSON pointer and Segment's sentence."""
        assert problems(CONTACT, given) == found

    def test_detail_shows_what_came(self):
        """The operator sees the field, the expectation and the value."""
        with pytest.raises(InvalidPayload) as caught:
            CONTACT.validate({"id": "a", "visits": "many"})
        assert caught.value.detail == (
            "Contact: /visits: Visits must be an integer but it was a string. Got 'many'."
        )

    def test_detail_is_short_for_big_values(self):
        """A value of megabytes does not become an error of megabytes."""
        with pytest.raises(InvalidPayload) as caught:
            CONTACT.validate({"id": "a", "visits": {"x": ["y" * 1000] * 1000}})
        assert len(caught.value.detail) < 300


class Plan(StrEnum):
    FREE = "free"
    PAID = "paid"


class Address(BaseModel):
    street: str
    zip_code: Annotated[str | None, schema.field(label="ZIP")] = None


class Rich(Payload):
    key: Annotated[str, Field(alias="personKey", title="Person key", description="Who.")] = "x"
    at: dt.datetime | None = None
    stamp: Annotated[str | float | None, schema.field(type="datetime")] = None
    plan: Plan | None = None
    uid: UUID | None = None
    secret: SecretStr | None = None
    address: Address | None = None
    others: Sequence[Address] = ()
    labels: frozenset[str] = frozenset()
    mail: Annotated[str | None, schema.field(format="email")] = None
    mails: Annotated[list[str], schema.field(format="email")] = Field(default_factory=list)
    size: Annotated[int | None, Field(ge=0, le=10)] = None
    code: Annotated[str | None, Field(min_length=2, max_length=3)] = None
    color: Annotated[str | None, schema.field(choices=["red", ("blue", "Deep blue")])] = None
    note: Annotated[str | None, schema.field(type="text", allow_null=True)] = "n"
    anything: Any = None
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def is_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value


RICH = PayloadSchema(Rich)


class TestPythonTypes:
    @pytest.mark.parametrize(
        ("given", "attribute", "value"),
        [
            ({"personKey": "a"}, "key", "a"),
            ({"key": "a"}, "key", "x"),
            (
                {"at": "2021-10-20T10:00:00+02:00"},
                "at",
                dt.datetime(2021, 10, 20, 8, tzinfo=dt.UTC),
            ),
            ({"at": "2021-10-20"}, "at", dt.datetime(2021, 10, 20, tzinfo=dt.UTC)),
            ({"at": 1634725230}, "at", dt.datetime(2021, 10, 20, 10, 20, 30, tzinfo=dt.UTC)),
            (
                {"at": "Wed, 20 Oct 2021 10:20:30 GMT"},
                "at",
                dt.datetime(2021, 10, 20, 10, 20, 30, tzinfo=dt.UTC),
            ),
            ({"stamp": "2021"}, "stamp", "2021"),
            ({"stamp": 5}, "stamp", 5),
            ({"plan": "paid"}, "plan", Plan.PAID),
            ({"plan": ["free"]}, "plan", Plan.FREE),
            (
                {"uid": "123e4567-e89b-12d3-a456-426614174000"},
                "uid",
                UUID("123e4567-e89b-12d3-a456-426614174000"),
            ),
            ({"secret": "s3"}, "secret", SecretStr("s3")),
            ({"secret": 5}, "secret", SecretStr("5")),
            (
                {"address": {"street": "A", "zip_code": 12}},
                "address",
                Address(street="A", zip_code="12"),
            ),
            ({"address": {"street": ""}}, "address", Address(street="")),
            (
                {"address": {"street": "A", "zip_code": None, "x": 1}},
                "address",
                Address(street="A"),
            ),
            ({"others": {"street": "A"}}, "others", [Address(street="A")]),
            ({"others": [{"street": "A"}, None]}, "others", [Address(street="A")]),
            ({"labels": ["a", "b"]}, "labels", frozenset({"a", "b"})),
            ({"labels": "a"}, "labels", frozenset({"a"})),
            ({"mail": "a@example.test"}, "mail", "a@example.test"),
            ({"size": "10"}, "size", 10),
            ({"color": "blue"}, "color", "blue"),
            ({"note": None}, "note", None),
            ({"note": ""}, "note", "n"),
            ({"anything": {"a": [1]}}, "anything", {"a": [1]}),
            ({"anything": ""}, "anything", None),
            ({"odd": "3"}, "odd", 3),
        ],
    )
    def test_takes(self, given, attribute, value):
        """Annotations say what a value becomes, also after Segment's coercions."""
        assert getattr(RICH.validate(given), attribute) == value

    @pytest.mark.parametrize(
        ("given", "pointer", "message"),
        [
            ({"at": "soon"}, "/at", "At must be a valid date-like string but it was not."),
            ({"at": True}, "/at", "At must be a valid date-like string but it was not."),
            ({"at": 1e300}, "/at", "At must be a valid date-like string but it was not."),
            ({"plan": "gold"}, "/plan", 'Plan must be one of: "free" or "paid".'),
            ({"uid": "x"}, "/uid", "Uid must be a valid uuid string but it was not."),
            ({"address": {}}, "/address", "Address is missing the required field 'street'."),
            ({"address": "x"}, "/address", "Address must be an object but it was a string."),
            (
                {"address": {"street": "A", "zip_code": {}}},
                "/address/zip_code",
                "ZIP must be a string but it was an object.",
            ),
            (
                {"others": [{"street": "A"}, {}]},
                "/others/1",
                "The value at /others/1 is missing the required field 'street'.",
            ),
            (
                {"mail": "nobody"},
                "/mail",
                "Mail must be a valid email address string but it was not.",
            ),
            (
                {"mails": ["a@b.co", "x"]},
                "/mails/1",
                "The value at /mails/1 must be a valid email address string but it was not.",
            ),
            ({"size": -1}, "/size", "Size must be equal to or greater than 0."),
            ({"size": "11"}, "/size", "Size must be equal to or less than 10."),
            ({"code": "a"}, "/code", "Code must be 2 characters or more but it was 1 character."),
            (
                {"code": "😀😀😀😀"},
                "/code",
                "Code must be 3 characters or fewer but it was 8 characters.",
            ),
            ({"color": "green"}, "/color", 'Color must be one of: "red" or "blue".'),
            ({"odd": 2}, "/odd", "Odd is not valid: Value error, must be odd."),
        ],
    )
    def test_refuses(self, given, pointer, message):
        """Each refusal names the field by its label."""
        assert problems(RICH, given) == [(pointer, message)]

    def test_secrets_stay_secret(self):
        """Neither the message nor the detail of an error holds a secret that came."""
        with pytest.raises(InvalidPayload) as caught:
            RICH.validate({"secret": {"token": "hunter2"}})
        assert "hunter2" not in f"{caught.value} {caught.value.detail} {caught.value.problems}"
        assert "not shown" in caught.value.detail

    def test_a_recursive_model_works(self):
        """A model that contains itself has no fast path, and the same rules."""
        checked = PayloadSchema(Tree)
        assert checked.validate({"name": 1, "children": [{"name": "b"}]}) == Tree(
            name="1", children=[Tree(name="b")]
        )

    def test_a_directive_is_no_value(self):
        """A directive behind `=` would become the field's value; the author is told at once."""

        class Wrong(Payload):
            mail: Any = Directive({"@path": "$.traits.email"})

        with pytest.raises(PluginError, match=r"Wrong\.mail has a directive as its value"):
            PayloadSchema(Wrong)

    def test_contradictions_are_found_early(self):
        """A format nobody knows is the author's error, when the action is declared."""

        class Wrong(Payload):
            mail: Annotated[str, schema.field(format="e-mail")]

        with pytest.raises(PluginError, match=r"Wrong\.mail has unknown format 'e-mail'"):
            PayloadSchema(Wrong)

    def test_undefined_names_are_found_early(self):
        """So is an annotation that names nothing."""

        class Dangling(Payload):
            other: "Nowhere"  # noqa: F821  the point of the test

        with pytest.raises(PluginError, match="Dangling names a type that is not defined"):
            PayloadSchema(Dangling)


class Tree(Payload):
    name: str
    children: list["Tree"] = Field(default_factory=list)


class Conditional(Payload):
    mode: str | None = None
    count: int | None = None
    target: Annotated[str | None, schema.field(required_when=Condition("mode", "is", "a"))] = None
    several: Annotated[
        str | None,
        schema.field(
            required_when=Requirement(
                (Condition("mode", "is", ["x", "y"]), Condition("count", "is", 5)), match="any"
            )
        ),
    ] = None


class TestConditions:
    def test_hold_on_both_paths(self):
        """A condition that holds requires the field, however well the rest fits."""
        checked = PayloadSchema(Conditional)
        said = "The root value is missing the required field 'target'"
        wanted = [("", f"{said}, required when 'mode' is \"a\".")]
        assert problems(checked, {"mode": "a"}) == wanted
        assert problems(checked, {"mode": "a", "count": "1"}) == wanted
        assert checked.validate({"mode": "a", "target": "t"}).target == "t"
        assert checked.validate({"mode": "b"}).target is None

    @pytest.mark.parametrize("given", [{"mode": "x"}, {"mode": "y"}, {"count": 5}])
    def test_any_of_several(self, given):
        """A list of values means any of them; ``match`` any means one condition is enough."""
        assert problems(PayloadSchema(Conditional), given)[0][1].endswith(
            """'several', required when 'mode' is "x" or "y" or 'count' is 5."""
        )
