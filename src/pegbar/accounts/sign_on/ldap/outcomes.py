"""What may come of asking a directory."""


class DirectoryAway(Exception):
    """A directory cannot be reached, or does not do its part; the message tells whoever runs the server why."""


class BindRefused(Exception):
    """A directory does not take somebody for who they say they are."""

    def __init__(self, reason: str, *, expired: bool = False) -> None:
        super().__init__(reason)
        #: Whether the password was right, and has to be changed.
        self.expired = expired
