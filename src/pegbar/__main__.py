"""`pegbar` and `python -m pegbar`: the command of the server, which is not installed where only the client is."""

import sys


def main() -> None:
    """Run the command."""
    try:
        from pegbar.cli import main as run
    except ModuleNotFoundError as error:
        if (error.name or "pegbar").startswith("pegbar"):
            raise
        sys.exit(f"pegbar: this is the client only ({error.name} is missing). The server: pip install 'pegbar[server]'")
    run()


if __name__ == "__main__":
    main()
