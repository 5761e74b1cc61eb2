"""Routes of the instance. Source: spec accounts, the operations from `GET /` on, and "Not in the operation list"."""

import secrets
import time
from typing import Any

from litestar import Request

from pegbar import __version__
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.instance import health, queries
from pegbar.accounts.sign_on.providers import ways_in
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import Forbidden, NotFound
from pegbar.core.http.access import admin, anyone
from pegbar.core.http.routing import Reply, get
from pegbar.core.live.events import event
from pegbar.core.work import metrics

_TAG = "Instance"
TEST = event("main:test", scoped=False, logged=False, text="Sent on demand, to try the event stream")


@get("/", access=anyone, tag=_TAG)
async def root() -> Any:
    """Who answers. Browsers get a page instead, or the web UI."""
    return {"api": "Zou", "server": health.NAME, "version": __version__}


@get("/config", access=anyone, tag=_TAG)
async def config(db: Database) -> Any:
    """What the web UI needs before anybody signs in."""
    now = settings()
    answer: dict[str, Any] = {
        "is_self_hosted": now.is_self_hosted,
        "crisp_token": now.crisp_token,
        "dark_theme_by_default": bool(await db.value(queries.dark_theme)),
        # The web UI shows its search box by this.
        "indexer_configured": health.has_search(),
        **ways_in(),
        "default_locale": now.default_locale,
        "default_timezone": now.default_timezone,
        "enforce_2fa": now.enforce_2fa,
        "movie_highdef_bitrate": now.movie_highdef_bitrate,
        "movie_lowdef_bitrate": now.movie_lowdef_bitrate,
        "preview_accounts_enabled": now.auth_strategy == "auth_local_classic",
    }
    if now.sentry_kitsu_enabled:
        answer["sentry"] = {"dsn": now.sentry_kitsu_dsn, "sampleRate": now.sentry_kitsu_sr}
    return answer


@get("/status", access=anyone, tag=_TAG)
async def status(db: Database) -> Any:
    """Which parts of the instance are up. Always 200."""
    return {**health.IDENTITY, **await health.parts(db)}


@get("/status.txt", access=anyone, tag=_TAG)
async def status_as_text(db: Database) -> Reply:
    """Which parts of the instance are up, as lines of text."""
    parts = {name: "up" if up else "down" for name, up in (await health.parts(db)).items()}
    lines = [f"{name}: {value}\n" for name, value in {**health.IDENTITY, **parts}.items()]
    return Reply("".join(lines), media_type="text/plain; charset=utf-8")


@get("/status/influx", access=anyone, tag=_TAG)
async def status_as_numbers(db: Database) -> Any:
    """Which parts of the instance are up, as 0 and 1, with the time."""
    return {**{name: int(up) for name, up in (await health.parts(db)).items()}, "time": time.time()}


@get("/status/resources", access=anyone, tag=_TAG)
async def resources(db: Database) -> Any:
    """How busy the machine is."""
    return await health.resources(db)


@get("/status/test-event", access=admin, tag=_TAG, events=(TEST,))
async def test_event(tx: Transaction) -> Any:
    """Send an event to everyone who listens."""
    tx.emit(TEST)
    return {"success": True}


@get("/stats", access=admin, tag=_TAG)
async def stats(db: Database) -> Any:
    """How many previews of each kind and comments there are."""
    row = await db.row(queries.counts)
    return dict(row or {})


@get("/metrics", access=anyone, tag=_TAG, hidden=True)
async def prometheus() -> Reply:
    """Metrics for Prometheus, when they are switched on."""
    if not settings().metrics_enabled:
        raise NotFound("Metrics are off; PROMETHEUS_METRICS_ENABLED switches them on.")
    return Reply(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@get("/admin/config/check", access=anyone, tag=_TAG, hidden=True, errors=(403, 429))
async def check_config(request: Request[Any, Any, Any], db: Database) -> Any:
    """The settings this instance runs with, for whoever holds its ADMIN_TOKEN."""
    now = settings()
    if not now.admin_token:
        raise NotFound("There is no such route.")
    guesses = Guesses(db, request)
    await guesses.check()
    authorization = request.headers.get("authorization", "").encode()
    if not secrets.compare_digest(authorization, f"Bearer {now.admin_token}".encode()):
        await guesses.failed()
        raise Forbidden("This needs the ADMIN_TOKEN of the instance.")
    values = {
        "user_limit": now.user_limit,
        "default_timezone": now.default_timezone,
        "default_locale": now.default_locale,
        "nomad_host": "",
        "nomad_normalize_job": "",
        "nomad_playlist_job": "",
        "nomad_tile_job": "",
    }
    # There is one source of settings: both columns of the comparison say the same.
    compared = {name: {"env": value, "redis": value} for name, value in values.items()}
    return {**compared, "active_users": await db.value(queries.active_users)}
