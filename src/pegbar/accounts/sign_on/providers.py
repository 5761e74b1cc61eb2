"""The providers that people sign in with, and directories: one of each from the environment, any number from a file.

    # sign-on.toml
    [oidc.keycloak]
    label = "Keycloak"
    discovery_url = "https://sso.studio.example/realms/studio/.well-known/openid-configuration"
    client_id = "pegbar"
    client_secret = { file = "/run/secrets/keycloak" }       # or "env:KEYCLOAK_SECRET", or the secret itself

    [oidc.keycloak.groups."/producers"]                      # else the `groups` of the whole file
    role = "manager"

    [saml.adfs]
    metadata_url = "https://adfs.studio.example/FederationMetadata/2007-06/FederationMetadata.xml"

A provider of the environment is named `oidc`, `saml` or `ldap`, and comes first. Mistakes name the file, the table and
the key. Source: spec accounts, 6 and 15; issue "Single sign-on".
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from pegbar.accounts.sign_on.groups import GroupMapping, read_mapping
from pegbar.config import Settings, settings
from pegbar.environment import InvalidSetting

Protocol = Literal["oidc", "saml", "ldap"]

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_UNKNOWN = re.compile(r"Object contains unknown field `(\w+)`")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_AT = re.compile(r"(.*) - at `\$\.(.*)`", re.DOTALL)
#: Words that follow a protocol in addresses of the server.
_TAKEN = frozenset({"login", "callback", "sso", "metadata", "error"})


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all providers have."""

    #: In addresses and commands.
    name: str
    #: What people read on the button.
    label: str = ""
    #: Make an account for somebody who has none.
    create: bool = True
    #: E-mail domains that it speaks for; all unless given.
    email_domains: tuple[str, ...] = ()
    #: A file of certificate authorities to believe besides the system's.
    ca_file: str = ""
    #: Seconds that it may take to answer.
    timeout: Annotated[float, Meta(gt=0, le=60)] = 10
    #: What groups make of somebody (groups.py).
    mapping: GroupMapping = GroupMapping()

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name


class Oidc(Provider, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OpenID Connect provider."""

    discovery_url: str
    client_id: str
    #: Empty for a public client, which PKCE alone protects.
    client_secret: str = ""
    #: How it is shown; as the provider says it takes it unless given.
    client_auth: Literal["", "client_secret_basic", "client_secret_post"] = ""
    scopes: str = "openid email profile"
    email_claim: str = "email"
    given_name_claim: str = "given_name"
    family_name_claim: str = "family_name"
    groups_claim: str = "groups"
    require_email_verified: bool = True
    #: The second factor is the provider's business.
    skip_2fa: bool = False
    #: Hosts of its endpoints besides the one of the discovery document.
    hosts: tuple[str, ...] = ()
    #: More parameters of the address that people are sent to (`prompt`, `domain_hint`…).
    parameters: dict[str, str] = {}


class Saml(Provider, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A SAML identity provider."""

    #: One of the two: where its metadata is, or a file of it.
    metadata_url: str = ""
    metadata_file: str = ""
    #: What this server is called there; its address unless given.
    entity_id: str = ""
    #: Attribute that names a person for good; the e-mail address is what tells persons apart unless given.
    subject_attribute: str = ""
    #: Attribute of the address; the NameID unless given.
    email_attribute: str = ""
    first_name_attribute: str = "first_name"
    last_name_attribute: str = "last_name"
    phone_attribute: str = "phone"
    country_attribute: str = "country"
    departments_attribute: str = "departments"
    studio_attribute: str = "studio_id"
    groups_attribute: str = "groups"
    #: Answers to no request of ours: sign-ins that begin in the provider's portal.
    allow_unsolicited: bool = True
    skip_2fa: bool = False


class Ldap(Provider, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An LDAP directory or Active Directory."""

    #: One host, or several to try in this order, separated by spaces or commas.
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 389
    #: Where its people are.
    base_dn: str
    #: Where its groups are; below `base_dn` unless given.
    group_base_dn: str = ""
    #: Only members of this group (a DN, or a name) come over.
    group: str = ""
    #: Only people who fit this LDAP filter, too.
    user_filter: str = ""
    #: Active Directory: its domain, and how names are written.
    domain: str = ""
    is_ad: bool = False
    is_ad_simple: bool = False
    #: How `is_ad` proves passwords: NTLM, or a simple bind as login@domain. Unless given, simple over TLS, else NTLM.
    authentication: Literal["", "ntlm", "simple"] = ""
    ssl: bool = False
    start_tls: bool = False
    #: Check the certificate of the directory.
    verify: bool = True
    #: Who reads it.
    user: str = ""
    password: str = ""
    #: Of addresses of entries that have none.
    email_domain: str = ""
    #: Logins that are left alone.
    excluded_accounts: tuple[str, ...] = ()
    #: A run that would switch off a larger part of its people, in percent, stops.
    most_switched_off: Annotated[float, Meta(ge=0, le=100)] = 20


P = TypeVar("P", bound=Provider)
_KINDS: Mapping[str, type[Provider]] = {"oidc": Oidc, "saml": Saml, "ldap": Ldap}
#: Settings that may stand elsewhere than in the file.
_SECRETS = frozenset({"client_secret", "password"})


@dataclass(frozen=True)
class SignOn:
    """All providers of this server, in order."""

    oidc: tuple[Oidc, ...] = ()
    saml: tuple[Saml, ...] = ()
    ldap: tuple[Ldap, ...] = ()

    def __iter__(self) -> Any:
        return iter((*self.oidc, *self.saml, *self.ldap))

    def of(self, kind: type[P], name: str | None = None) -> P | None:
        """The provider of a kind with this name, or the first; None when there is none."""
        rows: Iterable[Provider] = self
        return next((row for row in rows if isinstance(row, kind) and name in (None, row.name)), None)


def protocol_of(provider: Provider) -> Protocol:
    """How a provider is spoken to."""
    return "oidc" if isinstance(provider, Oidc) else "saml" if isinstance(provider, Saml) else "ldap"


def ways_in() -> dict[str, Any]:
    """What the web UI is told: whether there is a provider of each protocol and the first one's name, and all."""
    known = sign_on()
    oidc, saml = known.of(Oidc), known.of(Saml)
    return {
        "saml_enabled": saml is not None,
        "saml_idp_name": "" if saml is None else saml.label,
        "oidc_enabled": oidc is not None,
        "oidc_idp_name": "" if oidc is None else oidc.label,
        "sign_on": [
            {
                "name": provider.title,
                "protocol": protocol_of(provider),
                "url": f"/api/auth/{protocol_of(provider)}/{provider.name}/login",
            }
            for provider in (*known.oidc, *known.saml)
        ],
    }


#: What was read for which settings.
_read: list[tuple[Settings, SignOn]] = []


def sign_on() -> SignOn:
    """The providers of this process, read once for its settings. Raises InvalidSetting."""
    now = settings()
    if not _read or _read[0][0] is not now:
        _read[:] = [(now, load(now, os.environ))]
    return _read[0][1]


def load(now: Settings, environment: Mapping[str, str]) -> SignOn:
    """The providers of an environment and its file. Raises InvalidSetting naming what is wrong, and where."""
    path = now.sign_on_path
    document = _document(path) if now.sign_on_file or path.exists() else {}
    where = str(path)
    mapping = _mapping(where, document.pop("groups", {}), document.pop("default_role", None))
    # A file of directories alone has no place for the one that the variables have by default.
    with_directory = now.auth_strategy == "auth_remote_ldap" and (
        bool(environment.get("LDAP_HOST")) or "ldap" not in document
    )
    listed = [
        *_of_environment(now, mapping, with_directory=with_directory),
        *(_of_table(where, kind, name, table, mapping, environment) for kind, name, table in _tables(where, document)),
    ]
    _check_names(where, listed)
    by_kind = {kind: tuple(row for row in listed if isinstance(row, _KINDS[kind])) for kind in _KINDS}
    return SignOn(**by_kind)  # type: ignore[arg-type]


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidSetting(f"PEGBAR_SIGN_ON_FILE: {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSetting(f"{path}: {error}") from None


def _tables(where: str, document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """The table of each provider, as (kind, name, table)."""
    for kind, tables in document.items():
        if kind not in _KINDS:
            raise InvalidSetting(
                f"{where}: [{kind}] is none of [oidc.NAME], [saml.NAME], [ldap.NAME] and [groups.NAME]"
            )
        if not isinstance(tables, dict):
            raise InvalidSetting(f"{where}: {kind} is a table of providers: [{kind}.NAME]")
        for name, table in tables.items():
            if not isinstance(table, dict):
                raise InvalidSetting(f"{where}: [{kind}] has a name: [{kind}.NAME], {name} belongs below it")
            yield kind, name, dict(table)


def _of_table(
    where: str, kind: str, name: str, table: dict[str, Any], common: GroupMapping, environment: Mapping[str, str]
) -> Provider:
    place = f"{where}: [{kind}.{name}]"
    own = "groups" in table or "default_role" in table
    mapping = _mapping(place, table.pop("groups", {}), table.pop("default_role", None)) if own else common
    for key in ("name", "mapping"):
        if key in table:
            raise InvalidSetting(f"{place}: {key}: there is no such key")
    for key in _SECRETS & table.keys():
        table[key] = _secret(f"{place}: {key}", table[key], environment)
    try:
        provider = msgspec.convert({"name": name, "label": name, **table}, _KINDS[kind])
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"{place}: {_told(str(error))}") from None
    _check(place, provider, {})
    return msgspec.structs.replace(provider, mapping=mapping)


def _told(message: str) -> str:
    """A complaint of msgspec, beginning with the key."""
    if match := _UNKNOWN.match(message):
        return f"{match[1]}: there is no such key"
    if match := _MISSING.match(message):
        return f"{match[1]}: it must be given"
    if match := _AT.fullmatch(message):
        return f"{match[2]}: {match[1]}"
    return message


def _mapping(place: str, groups: Any, default_role: Any) -> GroupMapping:
    if not isinstance(groups, dict):
        raise InvalidSetting(f'{place}: groups: a table for each group is expected: [groups."NAME"]')
    try:
        return read_mapping(groups, default_role)
    except InvalidSetting as error:
        raise InvalidSetting(f"{place}: {error}") from None


def _secret(place: str, value: Any, environment: Mapping[str, str]) -> str:
    """A secret: as it stands there, from a variable (`env:NAME`), or from a file (`{ file = "…" }`)."""
    if isinstance(value, dict):
        if set(value) != {"file"} or not isinstance(value["file"], str):
            raise InvalidSetting(f'{place}: only {{ file = "PATH" }} is a place of secrets')
        try:
            return Path(value["file"]).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidSetting(f"{place}: {value['file']}: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(value, str):
        raise InvalidSetting(f"{place}: text is expected")
    if not value.startswith("env:"):
        return value
    variable = value.removeprefix("env:")
    if not environment.get(variable):
        raise InvalidSetting(f"{place}: the environment variable {variable} is not set")
    return environment[variable]


def _of_environment(now: Settings, mapping: GroupMapping, *, with_directory: bool) -> list[Provider]:
    """The providers that the variables of Kitsu's server describe: one of each kind at the most."""
    providers: list[Provider] = []
    if now.oidc_enabled:
        oidc = Oidc(
            name="oidc",
            label=now.oidc_idp_name,
            discovery_url=now.oidc_discovery_url,
            client_id=now.oidc_client_id,
            client_secret=now.oidc_client_secret,
            scopes=now.oidc_scopes,
            email_claim=now.oidc_email_claim,
            given_name_claim=now.oidc_given_name_claim,
            family_name_claim=now.oidc_family_name_claim,
            require_email_verified=now.oidc_require_email_verified,
            skip_2fa=now.oidc_skip_2fa,
            mapping=mapping,
        )
        providers.append(oidc)
    if now.saml_enabled:
        saml = Saml(
            name="saml",
            label=now.saml_idp_name,
            metadata_url=now.saml_metadata_url,
            skip_2fa=now.saml_skip_2fa,
            subject_attribute=now.saml_subject_attribute,
            mapping=mapping,
        )
        providers.append(saml)
    if with_directory:
        providers.append(_directory(now, mapping))
    for provider in providers:
        _check("", provider, _VARIABLES)
    return providers


def _directory(now: Settings, mapping: GroupMapping) -> Ldap:
    return Ldap(
        name="ldap",
        host=now.ldap_host,
        port=now.ldap_port,
        base_dn=now.ldap_base_dn,
        group=now.ldap_group,
        domain=now.ldap_domain,
        is_ad=now.ldap_is_ad,
        is_ad_simple=now.ldap_is_ad_simple,
        authentication=now.ldap_authentication,  # type: ignore[arg-type]
        ssl=now.ldap_ssl,
        start_tls=now.ldap_start_tls,
        verify=now.ldap_verify,
        ca_file=now.ldap_ca_file,
        timeout=now.ldap_timeout,
        group_base_dn=now.ldap_group_base_dn,
        user=now.ldap_user,
        password=now.ldap_password,
        email_domain=now.ldap_email_domain,
        excluded_accounts=tuple(now.ldap_excluded_accounts),
        mapping=mapping,
    )


#: The variables of keys that are checked.
_VARIABLES = {
    "discovery_url": "OIDC_DISCOVERY_URL",
    "client_id": "OIDC_CLIENT_ID",
    "scopes": "OIDC_SCOPES",
    "metadata_url": "SAML_METADATA_URL",
    "host": "LDAP_HOST",
    "base_dn": "LDAP_BASE_DN",
    "domain": "LDAP_DOMAIN",
    "start_tls": "PEGBAR_LDAP_START_TLS",
    "ca_file": "PEGBAR_LDAP_CA_FILE",
    "authentication": "PEGBAR_LDAP_AUTHENTICATION",
}


def _check(place: str, provider: Provider, variables: Mapping[str, str]) -> None:
    """Refuse what no provider works with. Raises InvalidSetting naming the key, or its variable."""
    for key, problem in _problems(provider):
        name = variables.get(key, key)
        raise InvalidSetting(f"{place}: {name}: {problem}" if place else f"{name}: {problem}")


def _problems(provider: Provider) -> Iterable[tuple[str, str]]:
    if provider.ca_file and not Path(provider.ca_file).is_file():
        yield "ca_file", f"there is no file {provider.ca_file}"
    if isinstance(provider, Oidc):
        yield from _of_oidc(provider)
    if isinstance(provider, Ldap):
        yield from _of_ldap(provider)
    if isinstance(provider, Saml):
        if provider.metadata_url:
            yield from _of_url("metadata_url", provider.metadata_url)
        elif not provider.metadata_file:
            yield "metadata_url", "it must be given: the address of the provider's metadata"
        elif not Path(provider.metadata_file).is_file():
            yield "metadata_file", f"there is no file {provider.metadata_file}"


def _of_oidc(provider: Oidc) -> Iterable[tuple[str, str]]:
    yield from _of_url("discovery_url", provider.discovery_url)
    if not provider.client_id:
        yield "client_id", "it must be given: what the provider calls this server"
    if "openid" not in provider.scopes.split():
        yield "scopes", f"{provider.scopes!r} lacks openid, without which nobody is named"


def _of_ldap(provider: Ldap) -> Iterable[tuple[str, str]]:
    if not provider.host.strip():
        yield "host", "it must be given: the host of the directory"
    if "=" not in provider.base_dn:
        yield "base_dn", f"{provider.base_dn!r} is no DN, such as ou=people,dc=studio,dc=example"
    if provider.ssl and provider.start_tls:
        yield "start_tls", "TLS is either from the start (ssl) or begun later (start_tls), not both"
    if provider.is_ad and not provider.is_ad_simple and not provider.domain:
        yield "domain", "it must be given: the domain of Active Directory"
    if provider.authentication and not provider.is_ad:
        yield "authentication", "it is for directories with is_ad"


def _of_url(key: str, url: str) -> Iterable[tuple[str, str]]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        usable = False
    if not usable:
        yield key, f"{url!r} is not an address (https://…)" if url else "it must be given: an address (https://…)"


def _check_names(where: str, providers: list[Provider]) -> None:
    seen: set[str] = set()
    for provider in providers:
        place = f"{where}: [{protocol_of(provider)}.{provider.name}]"
        if not _NAME.fullmatch(provider.name) or provider.name in _TAKEN:
            raise InvalidSetting(
                f"{place}: a name has up to 40 small letters, digits and hyphens, and is none of "
                f"{', '.join(sorted(_TAKEN))}"
            )
        if provider.name in seen:
            raise InvalidSetting(f"{place}: another provider has this name")
        seen.add(provider.name)
