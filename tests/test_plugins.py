"""Discovery, checks and routing of plugins."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import destination_core as dc
from destination_core.relay import Origin
from tests import acme


def plugin(name: str = "sample", **hooks: Any) -> ModuleType:
    """Make a plugin module out of functions."""
    module = ModuleType(name)
    for hook, function in hooks.items():
        setattr(module, hook, dc.hookimpl(function))
    return module


def destination(slug: str = "sample") -> dc.Destination[acme.Settings]:
    return dc.Destination(slug, title=slug, settings=acme.Settings, actions=[])


def failures(*plugins: object) -> list[str]:
    registry = registry_of(*plugins)
    return [failure.reason for failure in registry.failures]


def registry_of(*plugins: object) -> dc.Registry:
    origins = [Origin(getattr(one, "__name__", "sample")) for one in plugins]
    return dc.Registry(zip(origins, plugins, strict=True))


def test_discover_finds_the_installed_plugin() -> None:
    """An installed distribution is found by its entry point, with name and version."""
    registry = dc.Registry.discover()
    relay = registry.relay("customerio")
    assert relay.origin.distribution == "destination-customerio"
    assert relay.origin.version
    assert relay.destination.slug == "customerio"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("def x(:", "SyntaxError: invalid syntax"),
        (
            """import destination_core as dc
@dc.action("up")
def up(ctx, payload): ...""",
            "fails: action 'up': parameter 'payload' must be annotated with a",
        ),
    ],
    ids=["import", "syntax", "declaration"],
)
def test_a_plugin_that_does_not_import_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    """What it raised, in words, and where in the author's file."""
    (tmp_path / "broken_plugin.py").write_text(f"# first line\n{text}\n", "utf-8")
    entry = EntryPoint("broken", "broken_plugin", "destination_core")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("destination_core.plugins.entry_points", lambda group: [entry])
    (failure,) = dc.Registry.discover().failures
    assert reason in str(failure)
    assert f"({tmp_path}/broken_plugin.py:" in str(failure)


def test_unknown_slug_says_what_is_installed() -> None:
    """Asking for a destination that is not there names those that are."""
    with pytest.raises(dc.PluginError, match=r"'hubspot' is not installed; installed: acme"):
        dc.Registry.of(acme).relay("hubspot")


def test_a_slug_with_a_typing_error_is_met_with_the_nearest() -> None:
    """As keys, presets and actions are."""
    with pytest.raises(dc.PluginError, match=r"'amce' is not installed; did you mean 'acme'\?"):
        dc.Registry.of(acme).relay("amce")


@pytest.mark.parametrize(
    ("hooks", "reason"),
    [
        ({}, "implements no hook"),
        ({"perfrom": lambda ctx: None}, "unknown hook 'perfrom'; did you mean 'perform'?"),
        ({"test_auth": lambda ctx: None}, "unknown hook 'test_auth'"),
        (
            {"extend_request": lambda setings: None},
            "hook 'extend_request' has no argument setings; it may take settings",
        ),
        ({"perform": lambda ctx, action, payload: None}, "'perform' must be `async def`"),
        ({"register_destination": lambda: "acme"}, "must return a destination_core.Destination"),
        ({"register_destination": lambda: 1 / 0}, "register_destination raised ZeroDivision"),
    ],
)
def test_broken_plugin_is_named_with_its_reason(hooks: dict[str, Any], reason: str) -> None:
    """Every way of breaking the contract is told apart; the sound plugin still lists."""
    registry = registry_of(plugin("broken", **hooks), acme)
    assert registry.slugs == ["acme"]
    (failure,) = registry.failures
    assert failure.origin.name == "broken"
    assert reason in failure.reason


def test_delivery_hook_needs_a_destination() -> None:
    """An ambient plugin may not answer a delivery hook."""

    async def perform(ctx: Any, action: Any, payload: Any) -> None: ...

    (reason,) = failures(plugin(perform=perform))
    assert "'perform' belongs to a destination" in reason


def test_observer_must_be_sync() -> None:
    """An observer that is a coroutine function would never run."""

    async def delivery_settled(delivery: Any) -> None: ...

    (reason,) = failures(plugin(delivery_settled=delivery_settled))
    assert "must be a plain function" in reason


def test_duplicate_slug_is_refused_for_both() -> None:
    """Which of two plugins is meant cannot be guessed: neither runs, both are named."""
    registry = registry_of(
        plugin("one", register_destination=lambda: destination("twin")),
        plugin("two", register_destination=lambda: destination("twin")),
        acme,
    )
    assert registry.slugs == ["acme"]
    assert [failure.origin.name for failure in registry.failures] == ["one", "two"]
    assert all("'twin' is declared by one and two" in f.reason for f in registry.failures)


def test_duplicate_slug_is_refused_when_only_one_of_them_waits_to_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point that names an object is loaded at once, one that names a module is not."""
    text = """import types
import destination_core as dc
class Config(dc.Settings): pass
@dc.hookimpl
def register_destination():
    return dc.Destination("twin", title="T", settings=Config, actions=[])
{}
"""
    made = "there = types.SimpleNamespace(register_destination=register_destination)"
    (tmp_path / "twin_module.py").write_text(text.format(""))
    (tmp_path / "twin_object.py").write_text(text.format(made))
    monkeypatch.syspath_prepend(tmp_path)
    values = ("twin_module", "twin_object:there")
    entries = [EntryPoint("twin", one, "destination_core") for one in values]
    monkeypatch.setattr("destination_core.plugins.entry_points", lambda group: entries)
    registry = dc.Registry.discover()
    with pytest.raises(dc.PluginError, match="'twin' is declared by twin and twin"):
        registry.relay("twin")
    assert len(registry.failures) == 2


def test_slug_must_equal_the_entry_point() -> None:
    """A configuration names the entry point; another slug would be unreachable."""
    origin = Origin("acme", "acme", "acme-plugin", "1.0")
    sample = plugin(register_destination=lambda: destination("other"))
    (failure,) = dc.Registry([(origin, sample)]).failures
    assert str(failure).startswith("plugin acme (acme-plugin 1.0) cannot be used")
    assert "slug 'other'" in failure.reason


def test_each_destination_has_its_own_hooks() -> None:
    """A hook of one destination's plugin is never called for another destination."""
    seen: list[str] = []

    def validate(settings: Any) -> None:
        seen.append("other")

    other = plugin(
        "other",
        register_destination=lambda: destination("other"),
        validate_settings=lambda settings: seen.append("other"),
    )
    registry = dc.Registry.of(other, acme)
    registry.relay("acme").validate_settings(acme.Settings(api_key="k"))
    assert seen == []
    registry.relay("other").validate_settings(acme.Settings(api_key="k"))
    assert seen == ["other"]


def test_raising_observer_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """A faulty observer is logged by name; the next one still runs."""
    seen: list[object] = []
    faulty = plugin("faulty", delivery_settled=lambda delivery: 1 / 0)
    sound = plugin("sound", delivery_settled=lambda delivery: seen.append(delivery))  # noqa: PLW0108  pluggy reads the parameter name
    relay = dc.Registry.of(faulty, sound, acme).relay("acme")
    delivery = dc.Delivery({}, "acme", "s", "a")
    relay.delivery_settled(delivery)
    assert seen == [delivery]
    assert "observer delivery_settled raised" in caplog.text


async def test_ambient_plugin_may_wrap_delivery() -> None:
    """A wrapper sees the awaitable of the destination's answer, and may wrap it."""
    calls: list[str] = []

    class Timing:
        @dc.hookimpl(wrapper=True)
        def perform(self, ctx: Any, action: Any, payload: Any) -> Any:
            call = yield

            async def timed() -> object:
                calls.append(f"before {action.slug}")
                result = await call
                calls.append("after")
                return result

            return timed()

    async def perform(ctx: Any, action: Any, payload: Any) -> str:
        calls.append("perform")
        return "sent"

    sample = plugin(register_destination=destination, perform=perform)
    relay = dc.Registry.of(Timing(), sample).relay("sample")
    action: Any = SimpleNamespace(slug="a")
    result = await relay.perform(None, action, None)  # type: ignore[arg-type]
    assert (result, calls) == ("sent", ["before a", "perform", "after"])


MISSING_ACTION = """\
import destination_core as dc
@dc.hookimpl
def register_destination():
    return dc.Destination("broken-one", title="B", settings=dc.Settings, actions=[],
                          presets=[dc.Preset("P", "nope", 'type = "track"')])
"""


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
        ("x = 1\ndef broken(:\n", 2, "SyntaxError"),
        (MISSING_ACTION, 4, "preset 'P' names action 'nope'"),
        ("x = 1\n", 0, "it implements no hook"),
    ],
    ids=["import", "syntax", "preset", "nothing"],
)
def test_what_is_broken_has_its_line(
    source: str, line: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last one of the plugin's own: not of the library that it called, nor of ours."""
    (tmp_path / "broken_one.py").write_text(source)
    info = tmp_path / "broken_one-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-one\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[destination_core]\nbroken-one = broken_one\n")
    monkeypatch.syspath_prepend(tmp_path)
    (failure,) = dc.Registry.discover("broken-one").failures
    sys.modules.pop("broken_one", None)
    assert said in failure.reason
    assert failure.place == (f"{tmp_path / 'broken_one.py'}:{line}" if line else "")


def test_what_is_broken_in_a_compiled_module_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cython names a file as seen from the folder that its package is in."""
    package = tmp_path / "broken_two"
    package.mkdir()
    compiled = 'compile("\\n\\n1 / 0", "broken_two/actions.py", "exec")'
    (package / "__init__.py").write_text(f"exec({compiled})\n")
    info = tmp_path / "broken_two-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-two\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[destination_core]\nbroken-two = broken_two\n")
    monkeypatch.syspath_prepend(tmp_path)
    (failure,) = dc.Registry.discover("broken-two").failures
    sys.modules.pop("broken_two", None)
    assert "ZeroDivisionError" in failure.reason
    assert failure.place == f"{package / 'actions.py'}:3"


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"extend_request": lambda settings: {}}, "must return a destination_core.RequestOptions"),
        ({"extend_request": lambda settings: settings.nope}, "extend_request raised AttributeErr"),
        ({"validate_settings": lambda settings: {}["x"]}, "validate_settings raised KeyError: 'x'"),
        (
            {
                "extend_request": lambda settings: dc.RequestOptions(
                    "", {"A": str(settings.api_key)}
                )
            },
            "take the value of a SecretStr by .get_secret_value()",
        ),
    ],
    ids=["dict", "attribute", "key", "masked"],
)
def test_a_set_up_hook_that_goes_wrong_is_a_fault_of_the_plugin(
    hooks: dict[str, Any], said: str
) -> None:
    """Named with its line, as every error of a configuration: nobody sees a traceback."""
    destination = dc.Destination(
        "odd", title="Odd", settings=acme.Settings, actions=[acme.upsert_contact]
    )
    odd = plugin("odd", register_destination=lambda: destination, **hooks)
    (relay,) = dc.Registry.of(odd).relays.values()
    with pytest.raises(dc.PluginError) as caught:
        dc.Connection("odd", relay, settings={"api_key": "secret-5"})
    assert said in str(caught.value)
    if "raised" in said:
        assert " at test_plugins.py:" in str(caught.value)
