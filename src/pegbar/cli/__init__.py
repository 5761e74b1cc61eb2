"""The `pegbar` command."""

import sys

from cyclopts import App
from rich.console import Console

from pegbar import __version__

app = App(
    name="pegbar",
    help="Pegbar, a production-tracking server that speaks the Kitsu API.",
    version=f"pegbar {__version__}",
    help_format="markdown",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class UserError(Exception):
    """A mistake the user can mend: printed as it is, exit code 1."""


def main() -> None:
    """Run the command; a user's mistake is one line on stderr, not a traceback."""
    from pegbar.cli import serve  # noqa: F401
    from pegbar.config import InvalidSetting
    from pegbar.core.embedded import CannotStart
    from pegbar.core.errors import ApiError
    from pegbar.core.migrations import OldSchema

    try:
        app()
    except (UserError, InvalidSetting, CannotStart, OldSchema, ApiError) as error:
        err.print(f"[red]pegbar:[/] {error}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
