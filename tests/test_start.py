"""What a start loads: nothing that this configuration, or this kind of work, does not need."""

import json
import os
import subprocess
import sys
from pathlib import Path

NEEDLESS = {
    *("rich", "pygments", "colorama", "lark", "liquid", "ruamel", "tomllib"),
    *("opentelemetry", "copier"),
}

PROGRAM = """
import sys
from pathlib import Path
from destination_core.cli import loading, logs
from destination_core import service
redaction = logs.configure(as_json=False)
made = loading.service(Path(sys.argv[1]), redaction)
print(*sys.modules)
"""


def loaded(tmp_path: Path, plugins: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start with these plugins installed, by slug; the configuration names `webhook` only."""
    for slug, text in plugins.items():
        module = slug.replace("-", "_")
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {slug}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[destination_core]\n{slug} = {module}\n")
        (tmp_path / f"{module}.py").write_text(text)
    one = {"action": "send", "mapping": {}, "trigger": 'type = "track" and event = "Seen"'}
    webhook = {"settings": {"url": "http://x.test/"}, "subscriptions": [one]}
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"destinations": {"webhook": webhook}}))
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(config)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def test_a_start_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """Each of these takes its time, at every start."""
    done = loaded(tmp_path, {})
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert {"aiohttp", "destination_webhook"} <= modules
    assert modules.isdisjoint({*NEEDLESS, "destination_customerio", "destination_hubspot"})
    assert "aiohttp.web" not in modules, "import its parts: with the rest it takes twice as long"


def test_a_plugin_that_is_not_named_is_not_loaded_and_an_observer_is(tmp_path: Path) -> None:
    """However broken it is, it is nobody's; an observer sees what all the others do."""
    observer = "import destination_core as dc\n@dc.hookimpl\ndef delivery_settled(delivery): pass\n"
    broken = "def register_destination(): ...\nraise RuntimeError\n"
    done = loaded(tmp_path, {"an-observer": observer, "broken-one": broken})
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "an_observer" in modules
    assert "broken_one" not in modules


def test_an_observer_that_is_broken_is_refused(tmp_path: Path) -> None:
    """It was installed to see everything: to go on without it would not be noticed."""
    done = loaded(tmp_path, {"an-observer": "raise RuntimeError('not today')\n"})
    assert done.returncode != 0
    assert "plugin an-observer (an-observer 1.0) cannot be used" in done.stderr
    assert "not today" in done.stderr
