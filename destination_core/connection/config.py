"""The shape of a configuration file."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork

from destination_core.connection.policy import Policy

MAPPINGS: Final = 50
"""Subscriptions of one destination; Segment's limit."""


class MappingSaveConfig(BaseModel):
    """What is given when a mapping is saved, and what `destinations save` keeps of it."""

    model_config = ConfigDict(extra="forbid")

    inputs: Annotated[dict[str, Any], Field(description="What the action asks for.")] = Field(
        default_factory=dict
    )
    outputs: Annotated[
        dict[str, Any] | None, Field(description="Written by `destinations save`.")
    ] = None
    digest: Annotated[str, Field(description="Of the inputs; written with the outputs.")] = ""


class AudienceConfig(BaseModel):
    """One audience that the destination keeps."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str | None, Field(description="What people call it there; by default its key.")
    ] = None
    settings: Annotated[
        dict[str, Any], Field(description="What the plugin wants to know about an audience.")
    ] = Field(default_factory=dict)
    external_id: Annotated[
        str | None, Field(description="Its id there; written by `destinations save`.")
    ] = None


class SubscriptionConfig(BaseModel):
    """One subscription: a preset's name, an action with trigger and mapping, or Segment's shape."""

    model_config = ConfigDict(extra="forbid")

    preset: Annotated[str | None, Field(description="A preset of the plugin, by name.")] = None
    name: Annotated[str | None, Field(description="Shown in outcomes.")] = None
    action: Annotated[str | None, Field(description="The slug of the action.")] = None
    trigger: Annotated[str | None, Field(description="Which events, in FQL.")] = None
    mapping: Annotated[
        dict[str, Any] | None, Field(description="How an event becomes the payload.")
    ] = None
    enabled: bool = True
    sync_mode: Annotated[
        str | None, Field(description="How records are synced, where the action offers modes.")
    ] = None
    on_mapping_save: Annotated[
        MappingSaveConfig | None, Field(description="What the action does once, and keeps.")
    ] = None
    partnerAction: Annotated[str | None, Field(description="Segment's `action`.")] = None  # noqa: N815
    subscribe: Annotated[str | None, Field(description="Segment's `trigger`.")] = None
    actionSlug: Annotated[str | None, Field(description="Segment's Public API.")] = None  # noqa: N815
    settings: Annotated[
        dict[str, Any] | None, Field(description="Segment's Public API: the mapping.")
    ] = None


class DestinationConfig(BaseModel):
    """One destination: which plugin, its settings, and what reaches it."""

    model_config = ConfigDict(extra="forbid")

    plugin: Annotated[
        str | None, Field(description="The plugin's slug; by default the destination's name.")
    ] = None
    enabled: bool = True
    settings: Annotated[
        dict[str, Any], Field(description="Secrets by ${env:NAME} or ${file:PATH} only.")
    ] = Field(default_factory=dict)
    subscriptions: Annotated[list[SubscriptionConfig], Field(max_length=MAPPINGS)] = Field(
        default_factory=list
    )
    audiences: Annotated[
        dict[str, AudienceConfig],
        Field(description="Audiences by the key that events give them (computation_key)."),
    ] = Field(default_factory=dict)
    allowed_networks: Annotated[
        list[IPvAnyNetwork],
        Field(description="Not public, in CIDR notation, and to be sent to all the same."),
    ] = Field(default_factory=list)
    delivery: Annotated[Policy, Field(description="Of `serve` and `run`.")] = Field(
        default_factory=Policy
    )


class SourceConfig(BaseModel):
    """One source of events: whoever knows one of its write keys."""

    model_config = ConfigDict(extra="forbid")

    write_keys: Annotated[
        list[str],
        Field(min_length=1, max_length=2, description="Two while they are being changed."),
    ]


class IngestConfig(BaseModel):
    """How events come in over HTTP."""

    model_config = ConfigDict(extra="forbid")

    trusted_proxies: Annotated[
        list[IPvAnyNetwork],
        Field(description="In CIDR notation; their `X-Forwarded-For` says who calls."),
    ] = Field(default_factory=list)


class QueueConfig(BaseModel):
    """Where accepted events are kept until they are delivered."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, Field(description="The file, relative to the configuration.")] = "queue.db"
    max_bytes: Annotated[int, Field(gt=0, description="Beyond it nothing more is taken.")] = 2**33
    min_free_bytes: Annotated[int, Field(ge=0, description="What must stay free on the disk.")] = (
        2**28
    )
    fsync: Annotated[
        Literal["always", "checkpoint"],
        Field(
            description="`always`: what is answered 200 survives a power cut. `checkpoint`: it"
            " survives a crash of the process; a power cut may take the last seconds."
        ),
    ] = "always"
    dedup_window: Annotated[
        float, Field(gt=0, description="Seconds for which a messageId is remembered.")
    ] = 86_400.0
    dead_retention: Annotated[
        float, Field(gt=0, description="Seconds for which dead letters are kept.")
    ] = 30 * 86_400.0


class Config(BaseModel):
    """A configuration file."""

    model_config = ConfigDict(extra="forbid")

    sources: Annotated[
        dict[str, SourceConfig], Field(description="Who may send events to `serve`, by name.")
    ] = Field(default_factory=dict)
    ingest: IngestConfig = Field(default_factory=IngestConfig)
    queue: QueueConfig = Field(default_factory=QueueConfig)
    destinations: Annotated[
        dict[str, DestinationConfig], Field(description="Destinations by a name of your choice.")
    ]
