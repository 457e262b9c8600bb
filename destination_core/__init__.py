"""Segment-style Actions destinations as a Python engine.

Everything a plugin or a program needs is here; the modules behind it are loaded when a name is
first used, so that a command line starts without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destination_core.actions import Action as Action
    from destination_core.actions import Batching as Batching
    from destination_core.actions import Encoded as Encoded
    from destination_core.actions import action as action
    from destination_core.attempts import Retry as Retry
    from destination_core.audiences import Audience as Audience
    from destination_core.audiences import Audiences as Audiences
    from destination_core.audiences import membership as membership
    from destination_core.collector import relax_collector as relax_collector
    from destination_core.connection import Connection as Connection
    from destination_core.connection import Subscription as Subscription
    from destination_core.context import Context as Context
    from destination_core.credentials import AccessToken as AccessToken
    from destination_core.credentials import FileTokens as FileTokens
    from destination_core.credentials import MemoryTokens as MemoryTokens
    from destination_core.credentials import OAuth2 as OAuth2
    from destination_core.credentials import TokenStore as TokenStore
    from destination_core.credentials import refresh_grant as refresh_grant
    from destination_core.destination import Demo as Demo
    from destination_core.destination import DemoTarget as DemoTarget
    from destination_core.destination import Destination as Destination
    from destination_core.destination import Preset as Preset
    from destination_core.engine import Engine as Engine
    from destination_core.errors import ConfigurationError as ConfigurationError
    from destination_core.errors import DeliveryError as DeliveryError
    from destination_core.errors import DestinationError as DestinationError
    from destination_core.errors import InvalidAuthentication as InvalidAuthentication
    from destination_core.errors import InvalidEvent as InvalidEvent
    from destination_core.errors import InvalidMapping as InvalidMapping
    from destination_core.errors import InvalidPayload as InvalidPayload
    from destination_core.errors import InvalidSettings as InvalidSettings
    from destination_core.errors import InvalidSubscription as InvalidSubscription
    from destination_core.errors import PermanentError as PermanentError
    from destination_core.errors import PluginError as PluginError
    from destination_core.errors import Problem as Problem
    from destination_core.errors import RetryableError as RetryableError
    from destination_core.errors import SetupError as SetupError
    from destination_core.features import ChoiceQuery as ChoiceQuery
    from destination_core.features import Choices as Choices
    from destination_core.features import Saved as Saved
    from destination_core.features import SyncModes as SyncModes
    from destination_core.hashing import hashed as hashed
    from destination_core.hashing import is_hashed as is_hashed
    from destination_core.hookspecs import hookimpl as hookimpl
    from destination_core.http import AiohttpTransport as AiohttpTransport
    from destination_core.http import Client as Client
    from destination_core.http import Exchange as Exchange
    from destination_core.http import Request as Request
    from destination_core.http import RequestOptions as RequestOptions
    from destination_core.http import Response as Response
    from destination_core.http import Transport as Transport
    from destination_core.http import basic_auth as basic_auth
    from destination_core.http import error_of as error_of
    from destination_core.http import segment as segment
    from destination_core.mapping import Directive as Directive
    from destination_core.mapping import array_path as array_path
    from destination_core.mapping import case as case
    from destination_core.mapping import coalesce as coalesce
    from destination_core.mapping import exclude_when_null as exclude_when_null
    from destination_core.mapping import flatten as flatten
    from destination_core.mapping import if_ as if_
    from destination_core.mapping import json as json
    from destination_core.mapping import liquid as liquid
    from destination_core.mapping import literal as literal
    from destination_core.mapping import merge as merge
    from destination_core.mapping import path as path
    from destination_core.mapping import replace as replace
    from destination_core.mapping import template as template
    from destination_core.mapping import transform as transform
    from destination_core.multistatus import MultiStatus as MultiStatus
    from destination_core.outcome import Outcome as Outcome
    from destination_core.plugins import Registry as Registry
    from destination_core.relay import Relay as Relay
    from destination_core.schema import Choice as Choice
    from destination_core.schema import Condition as Condition
    from destination_core.schema import Payload as Payload
    from destination_core.schema import PayloadSchema as PayloadSchema
    from destination_core.schema import Requirement as Requirement
    from destination_core.schema import Settings as Settings
    from destination_core.schema import field as field
    from destination_core.schema import payload_model as payload_model
    from destination_core.work import Attempt as Attempt
    from destination_core.work import Deletion as Deletion
    from destination_core.work import Delivery as Delivery
    from destination_core.work import DeliveryStatus as DeliveryStatus
    from destination_core.work import Event as Event
    from destination_core.work import Item as Item
    from destination_core.work import Plan as Plan

_HOMES = {
    "actions": ("Action", "Batching", "Encoded", "action"),
    "attempts": ("Retry",),
    "audiences": ("Audience", "Audiences", "membership"),
    "collector": ("relax_collector",),
    "connection": ("Connection", "Subscription"),
    "context": ("Context",),
    "credentials": (
        "AccessToken",
        "FileTokens",
        "MemoryTokens",
        "OAuth2",
        "TokenStore",
        "refresh_grant",
    ),
    "destination": ("Demo", "DemoTarget", "Destination", "Preset"),
    "engine": ("Engine",),
    "errors": (
        "ConfigurationError",
        "DeliveryError",
        "DestinationError",
        "InvalidAuthentication",
        "InvalidEvent",
        "InvalidMapping",
        "InvalidPayload",
        "InvalidSettings",
        "InvalidSubscription",
        "PermanentError",
        "PluginError",
        "Problem",
        "RetryableError",
        "SetupError",
    ),
    "features": ("ChoiceQuery", "Choices", "Saved", "SyncModes"),
    "hashing": ("hashed", "is_hashed"),
    "hookspecs": ("hookimpl",),
    "http": (
        "AiohttpTransport",
        "Client",
        "Exchange",
        "Request",
        "RequestOptions",
        "Response",
        "Transport",
        "basic_auth",
        "error_of",
        "segment",
    ),
    "mapping": (
        "Directive",
        "array_path",
        "case",
        "coalesce",
        "exclude_when_null",
        "flatten",
        "if_",
        "json",
        "liquid",
        "literal",
        "merge",
        "path",
        "replace",
        "template",
        "transform",
    ),
    "multistatus": ("MultiStatus",),
    "outcome": ("Outcome",),
    "plugins": ("Registry",),
    "relay": ("Relay",),
    "schema": (
        "Choice",
        "Condition",
        "Payload",
        "PayloadSchema",
        "Requirement",
        "Settings",
        "field",
        "payload_model",
    ),
    "work": ("Attempt", "Deletion", "Delivery", "DeliveryStatus", "Event", "Item", "Plan"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605  built from the one table above


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'destination_core' has no attribute {name!r}")
    value = getattr(import_module(f"destination_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
