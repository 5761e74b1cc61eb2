"""A sign-in that a provider vouches for, and that is refused all the same."""

from pegbar.core.errors import ApiError


class SignOnRefused(ApiError):
    """The answer to a sign-in that fails: clients look for its text under `error`."""

    status = 400

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message, status=status, error=message)


class ProviderAway(SignOnRefused):
    """The provider does not answer, or not as its protocol says; the message is for whoever runs the server."""
