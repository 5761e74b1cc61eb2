"""People of a directory, as their entries describe them. Source: spec operations, "LDAP sync"."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pegbar.accounts.sign_on.providers import Ldap

#: The bit of `userAccountControl` that says: disabled.
_DISABLED = 2
_PHOTOS = ("thumbnailPhoto", "jpegPhoto")
#: What is read of a person. Attributes that a directory does not know are not answered.
ATTRIBUTES = (
    *("uid", "cn", "sAMAccountName", "givenName", "sn", "mail", "objectClass", "memberOf"),
    *("objectGUID", "uniqueIdentifier", "entryUUID", "nsUniqueId", "userAccountControl", "organizationalStatus"),
    *_PHOTOS,
)
#: The longest `ldap_uid`.
_LONGEST_UID = 60

Attributes = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True)
class Entry:
    """Somebody in a directory."""

    dn: str
    login: str
    first_name: str
    last_name: str
    #: Their addresses, the one to use first.
    emails: tuple[str, ...]
    #: What names them for good; empty where the directory has nothing of the kind.
    uid: str
    active: bool
    #: The DNs of groups that the entry names itself.
    groups: tuple[str, ...] = ()
    #: The digest of the photo; empty without one.
    photo: str = ""


def login_attribute(directory: Ldap) -> str:
    """The attribute that people of this directory sign in with."""
    if directory.is_ad_simple:
        return "cn"
    return "sAMAccountName" if directory.is_ad else "uid"


def is_microsofts(directory: Ldap) -> bool:
    """Whether it is an Active Directory."""
    return directory.is_ad or directory.is_ad_simple


def entry_of(directory: Ldap, dn: str, attributes: Attributes) -> Entry | None:
    """The person that an entry is; None for one without a login, who is nobody to sign in."""
    read = _Reader(attributes)
    login = read.text(login_attribute(directory))
    if not login:
        return None
    return Entry(
        dn=dn,
        login=login,
        first_name=read.text("givenName") or read.text("cn"),
        last_name=read.text("sn"),
        emails=_emails(directory, login, read.texts("mail")),
        uid=_uid(directory, read),
        active=_is_active(directory, read),
        groups=tuple(read.texts("memberOf")),
        photo=digest_of(photo_of(attributes)),
    )


def photo_of(attributes: Attributes) -> bytes:
    """The photo of an entry; nothing when it has none."""
    read = _Reader(attributes)
    return next((photo for name in _PHOTOS if (photo := read.first(name))), b"")


def digest_of(photo: bytes) -> str:
    """What a photo is compared by; nothing for none."""
    return hashlib.sha256(photo).hexdigest() if photo else ""


class _Reader:
    """The values of an entry, by the names of attributes in any case."""

    def __init__(self, attributes: Attributes) -> None:
        # `cn;lang-fr` is a name in another language: the plain one counts.
        self._values = {name.lower(): values for name, values in attributes.items() if ";" not in name}
        self._values |= {
            name.lower().removesuffix(";binary"): values
            for name, values in attributes.items()
            if name.lower().endswith(";binary")
        }

    def first(self, name: str) -> bytes:
        return next(iter(self._values.get(name.lower(), ())), b"")

    def texts(self, name: str) -> list[str]:
        return [
            text for value in self._values.get(name.lower(), ()) if (text := value.decode(errors="replace").strip())
        ]

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")


def _emails(directory: Ldap, login: str, addresses: list[str]) -> tuple[str, ...]:
    """The addresses, first the one to use: equal to the login, else of the studio's domain, else the first."""
    addresses = [address.lower() for address in addresses]
    domain = directory.email_domain.lower().lstrip("@")
    if not addresses:
        return (f"{login}@{domain}".lower(),)
    by_rank = sorted(addresses, key=lambda address: (address != login.lower(), not domain or domain not in address))
    return tuple(dict.fromkeys(by_rank))


def _uid(directory: Ldap, read: _Reader) -> str:
    if is_microsofts(directory):
        raw = read.first("objectGUID")
        return f"{{{UUID(bytes_le=raw)}}}" if len(raw) == 16 else ""
    names = ("uniqueIdentifier", "entryUUID", "nsUniqueId")
    return next((uid for name in names if (uid := read.text(name)) and len(uid) <= _LONGEST_UID), "")


def same_uid(uid: str) -> str:
    """A `ldap_uid` in the form that compares: other servers keep GUIDs with braces or without, in any case."""
    plain = uid.strip().lower()
    bare = plain.removeprefix("{").removesuffix("}")
    return bare if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bare) else uid.strip()


def _is_active(directory: Ldap, read: _Reader) -> bool:
    if is_microsofts(directory):
        control = read.text("userAccountControl")
        return not (control.lstrip("-").isdigit() and int(control) & _DISABLED)
    # A directory that says nothing of it has nobody switched off.
    return read.text("organizationalStatus").lower() in ("", "active")


def is_excluded(directory: Ldap, login: str) -> bool:
    """Whether the studio keeps an account out."""
    return login.lower() in {name.lower() for name in directory.excluded_accounts}
