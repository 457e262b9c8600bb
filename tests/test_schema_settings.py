"""Opening settings: by name and alias, with errors that help and tell no secret."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator

from destination_core.errors import InvalidSettings
from destination_core.schema import Settings, catalogue_fields, load_settings


class Proxy(BaseModel):
    host: str
    password: SecretStr | None = None


class Account(Settings):
    site_id: Annotated[str, Field(alias="siteId", title="Site ID")]
    api_key: Annotated[SecretStr, Field(alias="apiKey", description="Settings → API keys.")]
    region: Annotated[Literal["us", "eu"], Field(alias="accountRegion")] = "us"
    retries: Annotated[int, Field(ge=0)] = 3
    proxy: Proxy | None = None

    @field_validator("api_key")
    @classmethod
    def looks_like_a_key(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() == "hunter2":
            raise ValueError(f"{value.get_secret_value()} is too weak")
        return value


GOOD = {"site_id": "s", "api_key": "k" * 8}


def reason(**settings):
    with pytest.raises(InvalidSettings) as caught:
        load_settings(Account, settings)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


class TestLoadSettings:
    @pytest.mark.parametrize("given", [GOOD, {"siteId": "s", "apiKey": "k" * 8}])
    def test_knows_names_and_aliases(self, given):
        """A setting may be given by its Python name or by Segment's key."""
        settings = load_settings(Account, given)
        assert (settings.site_id, settings.region, settings.retries) == ("s", "us", 3)
        assert settings.api_key.get_secret_value() == "k" * 8

    def test_are_immutable_and_hide_secrets(self):
        """Neither repr nor dump shows a secret."""
        settings = load_settings(Account, GOOD)
        assert "kkkk" not in f"{settings!r} {settings.model_dump_json()}"
        with pytest.raises(ValueError, match="frozen"):
            settings.region = "eu"

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            (
                {},
                "'siteId' or 'site_id' is required; 'apiKey' or 'api_key' is required (Settings",
            ),
            (
                {**GOOD, "acount_region": "eu"},
                "'acount_region' is not a setting; did you mean 'accountRegion'?",
            ),
            ({**GOOD, "retrys": 1}, "did you mean 'retries'?"),
            (
                {**GOOD, "apiKey": "k"},
                "'api_key' is given twice, as api_key and apiKey; leave one of them out",
            ),
            ({**GOOD, "zzz": 1}, "'zzz' is not a setting; known: site_id, api_key, region"),
            ({**GOOD, "region": "asia"}, "'region' must be 'us' or 'eu', got 'asia'"),
            ({**GOOD, "retries": "many"}, "'retries' must be a whole number, got 'many'"),
            (
                {**GOOD, "retries": -1},
                "'retries' is not valid: Input should be greater than or equal to 0, got -1",
            ),
            ({**GOOD, "site_id": 5}, "'site_id' must be a string, got 5"),
            ({**GOOD, "site_id": None}, "'site_id' is required and is empty"),
            (
                {**GOOD, "api_key": " "},
                "'apiKey' or 'api_key' is required and is empty (Settings → API keys)",
            ),
            ({**GOOD, "proxy": {}}, "'proxy.host' is required"),
            (
                {**GOOD, "proxy": {"host": "h", "password": 5}},
                "'proxy.password' must be a string, got a value that is not shown",
            ),
        ],
    )
    def test_says_what_is_wrong(self, settings, said):
        """Field, expectation, value, and the nearest known key."""
        assert said in reason(**settings)

    @pytest.mark.parametrize("secret", ["hunter2", {"a": "hunter2"}, ["hunter2"]])
    def test_never_tells_a_secret(self, secret):
        """Not even when the author's own validator does."""
        text = reason(site_id="s", api_key=secret)
        assert "hunter2" not in text
        assert "'api_key'" in text
        assert "not shown" in text

    def test_refuses_what_is_no_object(self):
        """Settings are an object."""
        with pytest.raises(InvalidSettings, match="must be an object, got 'x'"):
            load_settings(Account, "x")  # type: ignore[arg-type]


class TestCatalogue:
    def test_lists_settings_as_segment_does(self):
        """Labels, types, choices and defaults of settings, by Segment's key."""
        assert catalogue_fields(Account) == {
            "siteId": {"label": "Site ID", "type": "string", "required": True},
            "apiKey": {
                "label": "Api key",
                "description": "Settings → API keys.",
                "type": "password",
                "required": True,
            },
            "accountRegion": {
                "label": "Region",
                "type": "string",
                "required": False,
                "choices": [{"label": "us", "value": "us"}, {"label": "eu", "value": "eu"}],
                "default": "us",
            },
            "retries": {
                "label": "Retries",
                "type": "integer",
                "required": False,
                "minimum": 0,
                "default": 3,
            },
            "proxy": {
                "label": "Proxy",
                "type": "object",
                "required": False,
                "properties": {
                    "host": {"label": "Host", "type": "string", "required": True},
                    "password": {"label": "Password", "type": "password", "required": False},
                },
            },
        }


class Keyed(Settings):
    headers: dict[str, SecretStr]


@pytest.mark.parametrize("headers", ["s3cret", {"X-Key": 12345}, {"X-Key": ["s3cret"]}], ids=repr)
def test_values_of_secret_objects_are_not_shown(headers: object) -> None:
    """A header's value is a secret wherever it stands, also when it is of the wrong kind."""
    with pytest.raises(InvalidSettings) as caught:
        load_settings(Keyed, {"headers": headers})
    assert "not shown" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "12345" not in str(caught.value)
