"""Logs: structlog, for people or for log collectors, with what libraries log in the same form. All on stderr."""

import logging
import logging.config
from typing import Any

import structlog
from structlog.types import Processor

from pegbar.config import settings
from pegbar.core.work import log_lines

#: Libraries that tell too much at the level `info`.
_QUIET = (
    "granian",
    "_granian",
    "procrastinate",
    "alembic",
    "httpx",
    "asyncio",
    "aiohttp",
    "engineio",
    "socketio",
    "PIL",
)

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    log_lines.keep,
)

#: Tracebacks without the values of variables: they may be passwords or tokens.
_TRACEBACKS = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))


def _renderers(style: str) -> list[Processor]:
    if style == "json":
        return [_TRACEBACKS, structlog.processors.JSONRenderer()]
    import sys

    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    ]


def formatter() -> logging.Formatter:
    """The formatter of library logs, the same as ours."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=list(_SHARED),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderers(settings().log_format),
        ],
    )


def library_config() -> dict[str, Any]:
    """How libraries log, for `logging.config.dictConfig` (Granian takes it as it is)."""
    level = settings().log_level.upper()
    quiet = "DEBUG" if level == "DEBUG" else max(level, "WARNING", key=logging.getLevelNamesMapping().__getitem__)
    loggers = {name: {"level": quiet, "handlers": [], "propagate": True} for name in _QUIET}
    # Its pools complain of each connection that they cannot make, beside the requests that needed one.
    loggers["asyncpg"] = loggers["procrastinate"] | {"level": "DEBUG" if level == "DEBUG" else "ERROR"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"pegbar": {"()": "pegbar.core.work.logs.formatter"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "pegbar"},
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": loggers,
    }


def configure() -> None:
    """Set up the logs of this process from its settings."""
    log_lines.forget()
    logging.config.dictConfig(library_config())
    import sys

    structlog.configure(
        processors=[*_SHARED, *_renderers(settings().log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(settings().log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
