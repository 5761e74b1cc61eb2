"""ShotGrid's REST API, version 1.1, as far as an import reads it. Source: its public reference.

    async with Site.open(url, script, key) as site:
        async for page in site.pages("Shot", [["project", "is", …]], ["code", …]):
            page[0]["code"]

A site limits how often it is called, ends tokens after some minutes, and goes away for maintenance: all of that is
waited for and tried again here. The key of the script goes into one request, and into nothing that anybody reads.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from pegbar.core.errors import CannotRun

Row = dict[str, Any]

#: The most rows of a page, as the API has it.
PAGE = 500
_ARRAY_FILTERS = "application/vnd+shotgun.api3_array+json"
#: How often a request is tried, and the longest that is waited between two tries, in seconds.
_TRIES, _LONGEST_WAIT = 7, 120.0
_TIMEOUT = aiohttp.ClientTimeout(total=300, connect=30, sock_read=120)
#: How the API names kinds of rows whose plural is no plain one.
_PLURALS = {"Reply": "replies", "Status": "statuses"}
_FIELD_IN_MESSAGE = r"\b{type}\.(\w+)"


class SiteError(CannotRun):
    """What keeps us from reading the site, with what to do about it."""


class NotReadable(SiteError):
    """A kind of rows that the site does not give us."""


class Refusal(Exception):
    """An answer of the site that trying again does not change."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class TryAgain(Exception):
    """An answer, or none, that may be another one in `wait` seconds (None: whatever is due)."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def resource(entity_type: str) -> str:
    """How the API names the rows of a kind in its paths: HumanUser is human_users."""
    if entity_type in _PLURALS:
        return _PLURALS[entity_type]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", entity_type).lower() + "s"


def plain(data: Mapping[str, Any]) -> Row:
    """A row as scripts know it: its `id`, its attributes, and what it is related to as `{id, name, type}`."""
    related = {name: value.get("data") for name, value in (data.get("relationships") or {}).items()}
    return {**(data.get("attributes") or {}), **related, "id": data["id"], "type": data["type"]}


def waits(attempt: int) -> float:
    """Seconds to wait after so many tries in vain: twice as long each time."""
    return min(2.0**attempt, _LONGEST_WAIT)


class Site:
    """A ShotGrid site and our session on it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, script: str, key: str) -> None:
        self.url = normalised(url)
        self.session = session
        self._script, self._key = script, key
        self._token: str | None = None
        self._sign_in = asyncio.Lock()
        self.requests = 0  #: how many were made
        self.clock: datetime | None = None  #: what time it was there, in UTC, at the first answer
        #: Fields that the site does not show us, by the kind of row.
        self.hidden: dict[str, set[str]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, script: str, key: str) -> "AsyncIterator[Site]":
        """Sign in. Raises SiteError for an address where no site is, and for a script or key that is not taken."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            site = cls(session, url, script, key)
            await site._authenticate(None)
            yield site

    # Requests

    async def _authenticate(self, expired: str | None) -> None:
        """Get a token, unless somebody else got one since `expired`."""
        async with self._sign_in:
            if self._token is not None and self._token != expired:
                return
            form = {"client_id": self._script, "client_secret": self._key, "grant_type": "client_credentials"}
            try:
                answer = await self._patiently("POST", "/auth/access_token", data=form, signed=False)
            except Refusal as refusal:
                if refusal.status in (400, 401, 403):
                    raise SiteError(
                        f"{self.url} does not take the script {self._script!r} with this key. Make a script under "
                        "Admin > Scripts of the site, give its name as --script and its application key as --key (or "
                        "in PEGBAR_SHOTGRID_KEY, or --key-file)."
                    ) from None
                raise SiteError(f"{self.url} is no ShotGrid site: {refusal.message}. Check --url.") from None
            token = answer.get("access_token") if isinstance(answer, dict) else None
            if not isinstance(token, str):
                raise SiteError(f"{self.url} is no ShotGrid site: it gave no access token. Check --url.")
            self._token = token

    async def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of an answer. Raises Refusal; SiteError when the site stays away."""
        token = self._token
        for _ in range(3):
            try:
                return await self._patiently(method, path, **request)
            except Refusal as refusal:
                if refusal.status != 401:
                    raise
                await self._authenticate(token)
                token = self._token
        raise SiteError(f"{self.url} does not take the tokens that it gives. Check the permissions of the script.")

    async def _patiently(self, method: str, path: str, **request: Any) -> Any:
        """One request, again as long as that may help."""
        for attempt in range(_TRIES):
            try:
                return await self._once(method, path, **request)
            except TryAgain as again:
                why, wait = str(again), again.wait
            except (aiohttp.ClientError, TimeoutError) as error:
                why, wait = f"{type(error).__name__}", None
            if attempt + 1 < _TRIES:
                await asyncio.sleep(min(waits(attempt) if wait is None else wait, _LONGEST_WAIT))
        raise SiteError(f"{self.url} cannot be read ({why}). Run the same command again later: it goes on from here.")

    async def _once(self, method: str, path: str, *, signed: bool = True, **request: Any) -> Any:
        headers = {"Accept": "application/json", **request.pop("headers", {})}
        if signed:
            headers["Authorization"] = f"Bearer {self._token}"
        self.requests += 1
        url = f"{self.url}/api/v1.1{path}"
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **request) as response:
            self._read_clock(response)
            if response.status == 429 or response.status >= 500:
                raise TryAgain(f"HTTP {response.status}", retry_after(response.headers))
            if response.status >= 300:
                raise Refusal(response.status, await _message(response))
            try:
                return await response.json(content_type=None)
            except ValueError:
                raise Refusal(response.status, "the answer is no JSON") from None

    def _read_clock(self, response: aiohttp.ClientResponse) -> None:
        if self.clock is None and "Date" in response.headers:
            try:
                moment = parsedate_to_datetime(response.headers["Date"])
            except ValueError:
                return
            self.clock = moment.astimezone(UTC).replace(tzinfo=None)

    # What is there

    async def schema(self) -> set[str]:
        """The kinds of rows that the site has and the script may see."""
        try:
            answer = await self.call("GET", "/schema")
        except Refusal as refusal:
            raise self._refused("its kinds of rows", refusal) from None
        return {
            name
            for name, about in answer["data"].items()
            if not isinstance(about, dict) or about.get("visible", {}).get("value", True) is not False
        }

    async def fields(self, entity_type: str) -> dict[str, Row]:
        """The fields of a kind of row: `{name: {"label", "kind", "values"}}`; none when they may not be read."""
        try:
            answer = await self.call("GET", f"/schema/{entity_type}/fields")
        except Refusal as refusal:
            if refusal.status in (400, 403, 404):
                return {}
            raise self._refused(entity_type, refusal) from None
        return {
            name: {
                "label": _value(about, "name") or name,
                "kind": _value(about, "data_type") or "text",
                "values": _value(about.get("properties") or {}, "valid_values") or [],
            }
            for name, about in answer["data"].items()
        }

    async def pages(
        self,
        entity_type: str,
        filters: Sequence[Any],
        fields: Sequence[str],
        *,
        after: int = 0,
        size: int = PAGE,
        retired: bool = False,
    ) -> AsyncIterator[list[Row]]:
        """Rows by their ids, in pages, from the id `after` on.

        Each page is asked for by the last id of the one before: rows that come, change or go meanwhile shift nothing.
        A field that the script may not read is left out from then on, and is in `hidden`.
        """
        while True:
            rows = await self._page(entity_type, [*filters, ["id", "greater_than", after]], fields, size, retired)
            if rows:
                yield rows
                after = max(row["id"] for row in rows)
            if len(rows) < size:
                return

    async def rows(self, entity_type: str, filters: Sequence[Any], fields: Sequence[str]) -> list[Row]:
        """All rows that pass the filters."""
        return [row async for page in self.pages(entity_type, filters, fields) for row in page]

    async def count(self, entity_type: str, filters: Sequence[Any]) -> int | None:
        """How many rows pass the filters; None when the site does not count them for us."""
        try:
            answer = await self.call(
                "POST",
                f"/entity/{resource(entity_type)}/_summarize",
                json={"filters": list(filters), "summary_fields": [{"field": "id", "type": "count"}]},
                headers={"Content-Type": _ARRAY_FILTERS},
            )
            return int(answer["data"]["summaries"]["id"])
        except (Refusal, KeyError, TypeError, ValueError):
            return None

    async def _page(
        self, entity_type: str, filters: Sequence[Any], fields: Sequence[str], size: int, retired: bool
    ) -> list[Row]:
        hidden = self.hidden.setdefault(entity_type, set())
        while True:
            shown = [field for field in fields if field not in hidden]
            params = {"fields": ",".join(shown), "page[size]": str(size), "page[number]": "1", "sort": "id"}
            if retired:
                params["options[return_only]"] = "retired"
            try:
                answer = await self.call(
                    "POST",
                    f"/entity/{resource(entity_type)}/_search",
                    params=params,
                    json={"filters": list(filters)},
                    headers={"Content-Type": _ARRAY_FILTERS},
                )
            except Refusal as refusal:
                named = set(re.findall(_FIELD_IN_MESSAGE.format(type=entity_type), refusal.message))
                refused = named & set(shown)
                if refusal.status not in (400, 403) or not refused:
                    raise self._refused(entity_type, refusal) from None
                hidden |= refused
                continue
            return [plain(row) for row in answer["data"]]

    def _refused(self, entity_type: str, refusal: Refusal) -> NotReadable:
        if refusal.status == 403:
            return NotReadable(
                f"The script may not read {entity_type} on {self.url} ({refusal.message}). Give it a permission group "
                "that reads it, under Admin > Scripts of the site."
            )
        return NotReadable(f"{self.url} refuses to list {entity_type}: {refusal.message}")


def normalised(url: str) -> str:
    """The address of a site without what comes after its host. Raises SiteError for what is no address."""
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SiteError(f"--url: {url!r} is no address of a site, like https://studio.shotgrid.autodesk.com")
    return f"{parts.scheme}://{parts.hostname}{port}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that an answer asks to wait."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


async def _message(response: aiohttp.ClientResponse) -> str:
    """What an answer says is wrong, in one line."""
    try:
        errors = (await response.json(content_type=None))["errors"]
        words = [str(error.get("detail") or error.get("title") or error.get("code")) for error in errors]
    except (ValueError, TypeError, KeyError, AttributeError, aiohttp.ClientError):
        words = []
    return " ".join(", ".join(words)[:500].split()) or f"HTTP {response.status}"


def _value(about: Mapping[str, Any], name: str) -> Any:
    inner = about.get(name)
    return inner.get("value") if isinstance(inner, dict) else inner
