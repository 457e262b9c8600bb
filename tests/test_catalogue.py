"""The catalogue of a destination that has more than fields: what people must be able to read."""

from typing import Annotated, Any

import pytest
from pydantic import Field

import destination_core as dc
from destination_core.catalogue import catalogue, markdown


class Settings(dc.Settings):
    """Nothing to configure."""


class Segment(dc.Settings):
    """What is configured per audience."""

    folder: Annotated[int | None, Field(title="Folder", description="Where it is made.")] = None


class Row(dc.Payload):
    """A payload with a chosen, a hidden and a read-only field."""

    sheet: Annotated[str | None, Field(title="Sheet", description="Chosen.")] = None
    key: Annotated[
        str,
        dc.literal("k"),
        dc.field(hidden=True, read_only=True, category="Keys"),
        Field(title="Key", description="Hidden."),
    ]


class Given(dc.Payload):
    """What is asked for."""

    sheet: Annotated[str, Field(title="Sheet", description="Its name.")]


class Kept(dc.Payload):
    """What is kept."""

    sheet_id: Annotated[str, Field(title="Sheet ID", description="Its id.")]


@pytest.fixture
def destination() -> dc.Destination[Settings]:
    """Declare everything that only some destinations have."""

    @dc.action("addRow", title="Add Row", sync_modes=dc.SyncModes("add", ("add", "mirror")))
    async def add_row(ctx: dc.Context[Settings], row: Row) -> None:
        """Add a row."""

    @add_row.on_mapping_save
    async def make(ctx: dc.Context[Settings], given: Given) -> Kept:
        """Make the sheet."""
        return Kept(sheet_id=given.sheet)

    @add_row.choices("sheet")
    async def sheets(ctx: dc.Context[Settings], query: dc.ChoiceQuery) -> dc.Choices:
        return dc.Choices([])

    return dc.Destination(
        "sheets",
        title="Sheets",
        settings=Settings,
        actions=[add_row],
        authentication=dc.OAuth2(),
        audiences=dc.Audiences(Segment),
    )


def test_the_catalogue_has_it_in_segments_words(destination: dc.Destination[Any]) -> None:
    """Scheme, audiences, sync modes, hooks and dynamic fields, under Segment's keys."""
    found = catalogue(destination)
    (action,) = found["actions"]
    assert found["authentication"] == {"scheme": "oauth2"}
    assert found["audiences"]["mode"] == "synced"
    assert list(found["audiences"]["settings"]) == ["folder"]
    assert [one["value"] for one in action["syncMode"]["choices"]] == ["add", "mirror"]
    assert action["syncMode"]["default"] == "add"
    hook = action["hooks"]["onMappingSave"]
    assert (list(hook["inputFields"]), list(hook["outputTypes"])) == (["sheet"], ["sheet_id"])
    assert hook["description"] == "Make the sheet."
    assert action["fields"]["sheet"]["dynamic"] is True
    assert hook["inputFields"]["sheet"]["dynamic"] is True
    assert "dynamic" not in action["fields"]["key"]
    assert action["fields"]["key"]["unsafe_hidden"] is True


def test_the_reference_page_tells_of_it(destination: dc.Destination[Any]) -> None:
    """What can be asked for, what is hidden, how records are synced, what saving makes."""
    page = markdown(destination)
    for words in (
        "An audience is made before its members are sent",
        "Sync modes: `add` (default), `mirror`.",
        "string (`destinations choices`)",
        "string (hidden, read-only)",
        "When the mapping is saved: Make the sheet.",
        "Kept with it: `sheet_id`.",
    ):
        assert words in page


def test_a_plain_destination_says_nothing_of_it() -> None:
    """Keys of what is not there are left out."""
    plain = dc.Destination("plain", title="Plain", settings=Settings, actions=[])
    assert not {"authentication", "audiences"} & set(catalogue(plain))
    assert "Audiences" not in markdown(plain)


def test_settings_are_named_as_a_configuration_names_them() -> None:
    """Whoever reads a page and writes a file uses one name; Segment's own is told."""

    class Keys(dc.Settings):
        site_id: Annotated[str, Field(alias="siteId", description="Which site.")]

    made = dc.Destination("keys", title="Keys", settings=Keys, actions=[])
    assert "`site_id` | string |  | Which site. In Segment: siteId. |" in markdown(made)
    assert list(catalogue(made)["settings"]) == ["siteId"]
