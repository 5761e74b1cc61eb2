"""The `pegbar` command. Exit codes: 0 done, 1 something the user can mend, 2 a command line that makes no sense."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
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

#: The processes of a server.
_OF_SERVERS = (["serve"], ["api"], ["worker"], ["sockets"], ["copy-log"])

USER_ERROR, USAGE_ERROR, INTERRUPTED = 1, 2, 130


class UserError(CannotRun):
    """A mistake the user can mend: printed as it is, exit code 1."""


def _complain(message: object) -> None:
    err.print(Text.assemble(("pegbar: ", "red"), str(message)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; a user's mistake is a line on stderr, not a traceback."""
    from pegbar.core.work.processes import loading

    words = list(sys.argv[1:] if arguments is None else arguments)
    with loading():
        from pegbar.cli import serve  # noqa: F401
        from pegbar.core.privacy import shut_others_out

        if words[:1] not in _OF_SERVERS:  # these start often, and need no other command
            from pegbar.cli import (  # noqa: F401
                backup,
                database,
                demo,
                directory,
                doctor,
                files,
                inspection,
                media,
                search,
                shotgrid,
                sso,
                sync,
                ui,
                users,
            )

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
