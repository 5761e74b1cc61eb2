"""`pegbar sso`, and the providers that a file and the environment describe."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pegbar.accounts.sign_on.providers import SignOn, load
from pegbar.config import load as load_settings
from pegbar.environment import InvalidSetting
from tests.accounts.people import artist, stored
from tests.accounts.providers import Browser, Forger, Real, needs_xmlsec
from tests.client import Client, unique
from tests.command import pegbar
from tests.server import FAST, Server, free_port

DISCOVERY = "https://sso.studio.example/.well-known/openid-configuration"


def read(tmp_path: Path, text: str, **environment: str) -> SignOn:
    file = tmp_path / "sign-on.toml"
    file.write_text(text)
    return load(load_settings({"PEGBAR_DATA": str(tmp_path), **environment}), environment)


def test_the_environment_comes_first_and_a_file_adds_any_number(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file\n")
    known = read(
        tmp_path,
        f"""
        default_role = "vendor"
        [groups.all]
        role = "manager"
        [oidc.keycloak]
        discovery_url = "{DISCOVERY}"
        client_id = "pegbar"
        client_secret = {{ file = "{secret}" }}
        [oidc.google]
        label = "Google"
        discovery_url = "{DISCOVERY}"
        client_id = "pegbar"
        client_secret = "env:GOOGLE"
        email_domains = ["studio.example"]
        groups.some.role = "supervisor"
        [saml.adfs]
        metadata_url = "https://adfs.example/metadata"
        [ldap.office]
        host = "ldap.example"
        base_dn = "dc=studio"
        password = "as it stands"
        """,
        OIDC_ENABLED="true",
        OIDC_DISCOVERY_URL=DISCOVERY,
        OIDC_CLIENT_ID="kitsu",
        OIDC_IDP_NAME="Studio",
        GOOGLE="from the environment",
        AUTH_STRATEGY="auth_remote_ldap",
        LDAP_HOST="ldap.studio.example",
        LDAP_EXCLUDED_ACCOUNTS="root, guest",
    )
    assert [row.name for row in known] == ["oidc", "keycloak", "google", "adfs", "ldap", "office"]
    first, keycloak, google = known.oidc
    assert (first.title, first.client_id) == ("Studio", "kitsu")
    assert (keycloak.client_secret, google.client_secret) == ("from a file", "from the environment")
    assert first.mapping.standing_of(["all"]).role == "manager"
    assert keycloak.mapping.standing_of([]).role == "vendor"
    assert google.mapping.standing_of(["all"]).role is None
    assert google.mapping.standing_of(["some"]).role == "supervisor"
    assert (known.ldap[0].excluded_accounts, known.ldap[1].password) == (("root", "guest"), "as it stands")


OIDC = f'discovery_url = "{DISCOVERY}"\nclient_id = "c"\n'
MISTAKES = {
    "[oidc.a]\nclient_id = 'c'": "[oidc.a]: discovery_url: it must be given",
    f"[oidc.a]\n{OIDC}discovery = 1": "[oidc.a]: discovery: there is no such key",
    f"[oidc.a]\n{OIDC}require_email_verified = 'yes'": "[oidc.a]: require_email_verified: Expected `bool`, got `str`",
    f"[oidc.a]\n{OIDC}scopes = 'email'": "[oidc.a]: scopes: 'email' lacks openid",
    f"[oidc.a]\n{OIDC}client_secret = 'env:NOT_SET'": "client_secret: the environment variable NOT_SET is not set",
    f"[oidc.a]\n{OIDC}client_secret = {{ file = '/nowhere' }}": "client_secret: /nowhere: No such file",
    f"[oidc.a]\n{OIDC}client_secret = {{ vault = 'x' }}": "client_secret: only { file = ",
    f"[oidc.a]\n{OIDC}client_secret = 5": "client_secret: text is expected",
    f"[oidc.a]\n{OIDC}name = 'b'": "[oidc.a]: name: there is no such key",
    f"[oidc.a]\n{OIDC}[oidc.a.groups.x]\nrole = 'king'": "[oidc.a]: groups",
    f"[oidc.a]\n{OIDC}[groups.x]\nrole = 'king'": "groups",
    f"[oidc.a]\n{OIDC}[saml.a]\nmetadata_url = 'https://x/'": "[saml.a]: another provider has this name",
    f"[oidc.'A B']\n{OIDC}": "[oidc.A B]: a name has",
    f"[oidc.login]\n{OIDC}": "is none of callback",
    f"[oidc]\n{OIDC}": "[oidc] has a name",
    "[openid.a]\nx = 1": "[openid] is none of",
    "oidc = 1": "oidc is a table of providers",
    "[saml.a]": "[saml.a]: metadata_url: it must be given",
    "[saml.a]\nmetadata_file = '/nowhere'": "[saml.a]: metadata_file: there is no file /nowhere",
    "[saml.a]\nmetadata_url = 'ftp://x'": "metadata_url: 'ftp://x' is not an address",
    "[saml.a]\nmetadata_url = 'http://x:y/'": "is not an address",
    "[ldap.a]\nhost = 'h'\nbase_dn = 'd'\nport = 70000": "[ldap.a]: port: Expected `int` <= 65535",
    "[oidc.a": "sign-on.toml: ",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_names_file_table_and_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidSetting) as refusal:
        read(tmp_path, text)
    assert MISTAKES[text] in str(refusal.value)
    assert str(tmp_path / "sign-on.toml") in str(refusal.value)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    for environment, words in (
        ({"OIDC_ENABLED": "true"}, "OIDC_DISCOVERY_URL: it must be given"),
        ({"OIDC_ENABLED": "true", "OIDC_DISCOVERY_URL": DISCOVERY}, "OIDC_CLIENT_ID: it must be given"),
        ({"SAML_ENABLED": "true"}, "SAML_METADATA_URL: it must be given"),
        ({"PEGBAR_SIGN_ON_FILE": "/nowhere.toml"}, "PEGBAR_SIGN_ON_FILE: /nowhere.toml"),
    ):
        with pytest.raises(InvalidSetting, match=words):
            load(load_settings({"PEGBAR_DATA": str(tmp_path), **environment}), environment)
    # The server does not start on it.
    done = pegbar("serve", "--data", str(tmp_path), SAML_ENABLED="true")
    assert (done.returncode, "SAML_METADATA_URL" in done.stderr) == (1, True)


# The commands


def settings_of(node: Server) -> dict[str, str]:
    key = {"SECRET_KEY": node.environment["SECRET_KEY"], "DATABASE_URL": node.database_url}
    names = ("PEGBAR_SIGN_ON_FILE", "REAL_SECRET", "DOMAIN_NAME", "DOMAIN_PROTOCOL", "PROTECTED_ACCOUNTS")
    return {**FAST, **key, **{name: node.environment[name] for name in names}}


@needs_xmlsec
def test_check_tells_what_to_register(signing_on: Server, tmp_path: Path) -> None:
    done = pegbar("sso", "check", **settings_of(signing_on))
    assert done.returncode == 0, done.stderr
    root = f"http://127.0.0.1:{signing_on.port}/api/auth"
    for address in (f"{root}/oidc/real/callback", f"{root}/saml/real-saml/login", f"{root}/saml/real-saml/sso"):
        assert address in done.stdout
    assert "the-clients-secret" not in done.stdout
    assert "100% secret" not in done.stdout
    none = pegbar("sso", "check", "--data", str(tmp_path))
    assert (none.returncode, "No provider is set up" in none.stderr) == (1, True)


def try_out(node: Server, name: str, **more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pegbar", "sso", "test", name, "--wait", "1"]
    environment = {**os.environ, **settings_of(node), **more}
    return subprocess.Popen(
        command, env=environment, cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def address_of(trial: subprocess.Popen[str]) -> tuple[str, str]:
    """The address that a trial prints, and all before it."""
    assert trial.stdout is not None
    said = ""
    for line in trial.stdout:
        said += line
        if found := re.search(r"http\S+trial=\S+", line):
            return found[0], said
    raise AssertionError(said + trial.communicate()[1])


@pytest.mark.parametrize("name", ["real", pytest.param("real-saml", marks=needs_xmlsec)])
def test_a_trial_walks_to_the_person_and_changes_nothing(signing_on: Server, real: Real, name: str) -> None:
    who = "ana" if name == "real" else "lee"
    count = "SELECT count(*), max(updated_at) FROM person"
    logged = "SELECT count(*) FROM login_log"
    before = stored(signing_on, count), stored(signing_on, logged)
    trial = try_out(signing_on, name)
    where, said = address_of(trial)
    for step in (
        "ok  Metadata" if "saml" in name else "ok  Discovery document",
        "ok  To be registered",
        "ok  This server",
    ):
        assert step in said
    assert "without HTTPS" in said
    browser = Browser()
    answer = browser.sign_in(where, who)
    assert (answer.status_code, "in the terminal" in answer.text) == (200, True)
    assert "access_token_cookie" not in browser.cookies
    rest, errors = trial.communicate(timeout=60)
    assert trial.returncode == 0, errors
    assert f"{who}@studio.example" in rest
    assert "ok  What would come of it" in rest
    assert "iss" in rest if name == "real" else "NameID" in rest
    assert (stored(signing_on, count), stored(signing_on, logged)) == before
    # Nobody waits for it any more.
    assert browser.get(where, allow_redirects=False, timeout=60).status_code == 400


def test_a_trial_says_which_step_fails(signing_on: Server, forger: Forger) -> None:
    away = pegbar("sso", "test", "away", **settings_of(signing_on))
    assert away.returncode == 1
    assert "Discovery document: Nobody cannot be reached" in away.stderr
    assert "firewall" in away.stderr
    unknown = pegbar("sso", "test", "some", **settings_of(signing_on))
    assert "There are: real, forged" in unknown.stderr
    elsewhere = {**settings_of(signing_on), "DOMAIN_NAME": f"127.0.0.1:{free_port()}"}
    unseen = pegbar("sso", "test", "forged", **elsewhere)
    assert (unseen.returncode, "This server: it does not answer at" in unseen.stderr) == (1, True)
    # What the provider says is shown, and what is wrong with it.
    trial = try_out(signing_on, "forged")
    where, _ = address_of(trial)
    browser = Browser()
    location = browser.get(where, allow_redirects=False, timeout=60).headers["location"]
    claims = forger.claims(location, email=f"{unique('x').replace(' ', '')}@studio.example", email_verified=False)
    forger.gives(forger.signed(claims))
    state = re.search(r"state=([\w-]+)", location)
    assert state is not None
    callback = f"{signing_on.api}/auth/oidc/forged/callback"
    browser.get(callback, params={"code": "c", "state": state[1]}, timeout=60)
    rest, errors = trial.communicate(timeout=60)
    assert trial.returncode == 1
    assert json.dumps(claims["sub"]) in rest
    assert "no  The person" in rest
    assert "has not verified your e-mail address" in errors


def test_forget_frees_an_account(signing_on: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    stored(
        signing_on,
        "UPDATE person SET oidc_issuer = 'https://x', oidc_subject = %s WHERE id = %s RETURNING id",
        person_id,
        person_id,
    )
    assert pegbar("sso", "forget", email, **settings_of(signing_on)).returncode == 0
    row: list[tuple[Any, ...]] = stored(
        signing_on, "SELECT oidc_issuer, oidc_subject FROM person WHERE id = %s", person_id
    )
    assert row == [(None, None)]
    assert "Nobody has the e-mail" in pegbar("sso", "forget", "no@x.example", **settings_of(signing_on)).stderr
