"""The configuration that the README shows, as `destinations check` and `explain` read it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.webhook.tests.receiving import SECRET, event

README = Path(__file__).parents[1] / "README.md"
ENVIRONMENT = {"WEBHOOK_SIGNING_SECRET": SECRET, "WEBHOOK_TOKEN": "s3cret-token"}


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    """Write the README's YAML into a file."""
    (text,) = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    path = tmp_path / "webhook.yaml"
    path.write_text(text, "utf-8")
    return path


def destinations(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "destinations"), *map(str, arguments)]
    environment = {**os.environ, **ENVIRONMENT, "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_configuration_of_the_readme_is_sound(config: Path) -> None:
    """No mistake and no warning: every field that it maps exists."""
    done = destinations("check", config)
    assert (done.returncode, done.stdout) == (0, "orders: Webhook, 3 subscriptions\n"), done.stderr


def test_explain_shows_the_requests_of_the_readme(config: Path, tmp_path: Path) -> None:
    """An order goes out twice, as a whole and as the mapping says; no secret is shown."""
    given = tmp_path / "event.json"
    given.write_text(json.dumps(event(1, properties={"order_id": "o-1"})))
    done = destinations("explain", config, given, "--json")
    assert done.returncode == 0, done.stderr
    assert "s3cret-token" not in done.stdout
    assert SECRET not in done.stdout
    assert '"order": "o-1"' in done.stdout
