"""docs/single-sign-on.md: its providers are read as they stand, its tables name every key, its addresses are ours."""

import re
from pathlib import Path

import msgspec
import pytest

from pegbar.accounts.sign_on.oidc.flow import redirect_uri
from pegbar.accounts.sign_on.providers import Oidc, Provider, Saml, load
from pegbar.accounts.sign_on.saml.service import consumer, entity_id
from pegbar.config import load as load_settings
from pegbar.config import settings

PAGE = (Path(__file__).parents[2] / "docs" / "single-sign-on.md").read_text()
OURS = PAGE.partition("## Active Directory and LDAP")[0]
BLOCKS = [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in re.findall(r"```toml\n(.*?)```", OURS, re.DOTALL)]


def test_every_example_is_read_as_it_stands(tmp_path: Path) -> None:
    names = []
    for block in BLOCKS:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        (tmp_path / "sign-on.toml").write_text(re.sub(r"/run/secrets/\w+", str(secret), block))
        known = load(load_settings({"PEGBAR_DATA": str(tmp_path)}), {"GOOGLE_CLIENT_SECRET": "secret"})
        names += [provider.name for provider in known]
    assert names == ["keycloak", "entra", "entra-saml", "google", "okta"]


@pytest.mark.parametrize("kind", [Oidc, Saml])
def test_its_tables_name_every_key(kind: type[Provider]) -> None:
    told = set(re.findall(r"`(\w+)`", " ".join(line for line in OURS.splitlines() if line.startswith("| `"))))
    assert {field.name for field in msgspec.structs.fields(kind)} - {"name", "mapping"} <= told


def test_its_addresses_are_ours(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    request.addfinalizer(settings.cache_clear)
    monkeypatch.setenv("DOMAIN_NAME", "kitsu.studio.example")
    settings.cache_clear()
    for name in ("oidc", "NAME"):
        assert f"`{redirect_uri(Oidc(name=name, discovery_url='', client_id=''))}`" in OURS
    for name in ("saml", "NAME"):
        provider = Saml(name=name)
        assert f"`{entity_id(provider)}`" in OURS
        assert f"`{consumer(provider)}`" in OURS
