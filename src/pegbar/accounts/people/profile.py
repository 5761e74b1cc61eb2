"""What a person's columns take. Source: spec crud, "persons"; spec accounts, 8 and 11."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import email_validator
from babel import Locale, UnknownLocaleError
from email_validator import EmailNotValidError, validate_email

from pegbar.config import settings
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest
from pegbar.core.timezones import known_zones

DATE_FORMATS = ("YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY")
_LONGEST_LOCALE = 10
_LOOKUP_TIMEOUT = 5
_LOCALE = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z]{4})?(_([A-Za-z]{2}|\d{3}))?")
_COUNTRY = re.compile(r"[A-Z]{2}")

# Studios have addresses in `.local` and the like; the library's documented way to take them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def email_of(value: Any) -> str:
    """An e-mail address as it is stored: its syntax checked, in lower case."""
    if not isinstance(value, str):
        raise BadRequest(f"email: {value!r} is not an e-mail address.")
    try:
        checked = validate_email(value.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise BadRequest(f"email: {value!r} is not an e-mail address: {error}") from None
    return checked.normalized.lower()


async def check_domain(email: str) -> None:
    """Refuse an address whose domain takes no mail, when the studio wants that looked up."""
    if not settings().mail_check_deliverability:
        return
    try:
        await asyncio.to_thread(validate_email, email, check_deliverability=True, timeout=_LOOKUP_TIMEOUT)
    except EmailNotValidError as error:
        raise BadRequest(f"email: {email!r} cannot get mail: {error}") from None


def country_of(value: Any) -> str | None:
    """A country code of two capital letters; nothing for an empty one."""
    if value is None or value == "":
        return None
    code = value.strip().upper() if isinstance(value, str) else ""
    if not _COUNTRY.fullmatch(code):
        raise BadRequest(f"country: {value!r} is not a code of two letters.")
    return code


def locale_of(value: Any) -> str | None:
    """A locale that is known, as it was given; nothing for an empty one."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= _LONGEST_LOCALE and _LOCALE.fullmatch(value):
        try:
            Locale.parse(value)
        except (UnknownLocaleError, ValueError):
            pass
        else:
            return value
    raise BadRequest(f"locale: {value!r} is not a known locale.")


def timezone_of(value: Any) -> str | None:
    """A time zone of the IANA database."""
    if value is not None and not (isinstance(value, str) and value in known_zones()):
        raise BadRequest(f"timezone: {value!r} is not a known time zone.")
    zone: str | None = value
    return zone


def date_format_of(value: Any) -> str | None:
    """One of the three formats of the web UI."""
    if value is not None and value not in DATE_FORMATS:
        raise BadRequest(f"display_date_format: {value!r} is not one of {', '.join(DATE_FORMATS)}.")
    chosen: str | None = value
    return chosen


def expiration_of(value: Any) -> date | None:
    """The last day of an API token."""
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").date()
    except (TypeError, ValueError):
        raise BadRequest(f"expiration_date: {value!r} is not a date (YYYY-MM-DD).") from None


def is_past(day: date | None) -> bool:
    """Whether a token of that last day is over."""
    return day is not None and day < utc_now().date()


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "email": email_of,
    "country": country_of,
    "locale": locale_of,
    "timezone": timezone_of,
    "display_date_format": date_format_of,
    "expiration_date": expiration_of,
}


def read(document: Mapping[str, Any], *, unchanged: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A body with its values as they are stored.

    A value that the row already holds passes as it is. Raises BadRequest naming the key.
    """
    kept = unchanged or {}
    return {
        key: value if key in kept and kept[key] == value else _READERS.get(key, _as_it_is)(value)
        for key, value in document.items()
    }


def _as_it_is(value: Any) -> Any:
    return value
