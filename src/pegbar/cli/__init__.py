"""The `pegbar` command. Exit codes: 0 done, 1 something the user can mend, 2 a command line that makes no sense."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.text import Text

from pegbar import __version__
from pegbar.core.errors import ApiError, CannotRun
from pegbar.environment import InvalidSetting

app = App(
    name="pegbar",
    help="Pegbar, a production-tracking server that speaks the Kitsu API.",
    version=f"pegbar {__version__}",
    help_format="markdown",
)
#: Lines are never wrapped: they may be copied or read by scripts.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

As_json = Annotated[bool, Parameter(negative=(), help="As JSON.")]

#: The modules of this package, and the commands that each declares, as help names them: a command loads its own alone.
MODULES = {
    "serve": ("serve", "api", "worker", "sockets", "copy-log"),
    "inspection": ("config", "events", "jobs", "routes"),
    "backup": ("backup", "backups", "restore"),
    "database": ("db",),
    "demo": ("demo",),
    "directory": ("directory",),
    "doctor": ("doctor",),
    "files": ("files",),
    "media": ("media",),
    "search": ("search",),
    "shotgrid": ("import",),
    "sso": ("sso",),
    "sync": ("sync",),
    "ui": ("ui",),
    "users": ("user",),
}

USER_ERROR, USAGE_ERROR, INTERRUPTED = 1, 2, 130


class UserError(CannotRun):
    """A mistake the user can mend: printed as it is, exit code 1."""


def print_json(document: Any) -> None:
    """Print a document as JSON."""
    import msgspec

    out.print(msgspec.json.format(msgspec.json.encode(document)).decode(), markup=False)


def _complain(message: object) -> None:
    err.print(Text.assemble(("pegbar: ", "red"), str(message)))


def load(command: str) -> None:
    """Declare a command; all of them when it is none of them, as for `--help`."""
    modules = [module for module, commands in MODULES.items() if command in commands]
    for module in modules or MODULES:
        import_module(f"{__name__}.{module}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake is a line on stderr, not a traceback."""
    from pegbar.core.privacy import shut_others_out
    from pegbar.core.work.processes import loading

    words = list(sys.argv[1:] if arguments is None else arguments)
    with loading():
        load(words[0] if words else "")
    shut_others_out()
    try:
        app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _complain(error)
        err.print(f"Run `pegbar {' '.join(error.command_chain or ())}`".rstrip("`").rstrip() + " --help` for its use.")
        sys.exit(USAGE_ERROR)
    except (CannotRun, InvalidSetting, ApiError) as error:
        _complain(error)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        from pegbar.core.data.faults import answer_to

        if isinstance(error, OSError) and error.filename is not None:
            _complain(f"{error.strerror}: {error.filename}")
        elif (refusal := answer_to(error)) is not None:
            _complain(f"{refusal.message} ({error})")
        else:
            raise
        sys.exit(USER_ERROR)
