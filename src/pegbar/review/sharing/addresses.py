"""The addresses of a share link that people open."""

from pegbar.config import settings


def public_url(token: str) -> str:
    """The page of a link, which the web UI shows."""
    return f"{_origin()}/playlists/shared/{token}"


def entrance_url(token: str) -> str:
    """Where its password is asked for, before the page."""
    return f"{_origin()}/api/shared/playlists/{token}/enter"


def _origin() -> str:
    return f"{settings().domain_protocol}://{settings().domain_name}"
