"""What an operator may set for the delivery to one destination."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_WAIT: Final = 86_400.0
"""Seconds that ``Retry-After`` may ask for; a longer wait is cut to a day."""

CRASHES: Final = 3
"""Crashes with an event in hand after which it counts as poison."""


class Policy(BaseModel):
    """Concurrency, retries and time-outs of one destination; times are seconds.

    Defaults: Segment's retry window of four hours, full jitter from 1 s to 5 min.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: Annotated[
        int, Field(ge=1, le=1_000, description="Attempts in flight at once, at most.")
    ] = 20
    rate: Annotated[
        float | None,
        Field(gt=0, description="Requests per second, at most; default: the plugin's own."),
    ] = None
    order: Annotated[
        Literal["none", "user"],
        Field(description="`user`: the events of one user go one after the other, as accepted."),
    ] = "none"
    batch_age: Annotated[
        float,
        Field(ge=0, le=60, description="How long an event may wait for company in a batch."),
    ] = 0.05
    chunk: Annotated[
        int, Field(ge=1, le=10_000, description="Events that are claimed and batched together.")
    ] = 500
    ahead: Annotated[int, Field(ge=1, le=100, description="Chunks in flight at once, at most.")] = 4
    lease: Annotated[
        float, Field(gt=1, le=86_400, description="After this long a claim counts as lost.")
    ] = 120.0
    deadline: Annotated[
        float, Field(gt=0, description="How long a handler may take for one attempt.")
    ] = 60.0
    retry_window: Annotated[
        float, Field(ge=0, description="How long an event is tried again, at least.")
    ] = 4 * 3_600.0
    retry_attempts: Annotated[
        int, Field(ge=1, description="How often an event is tried, at least.")
    ] = 5
    backoff: Annotated[
        float, Field(gt=0, description="The first wait; it doubles with every attempt.")
    ] = 1.0
    backoff_limit: Annotated[float, Field(gt=0, le=86_400, description="The longest wait.")] = 300.0
