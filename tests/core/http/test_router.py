"""Which operation a path means."""

from collections.abc import Sequence
from typing import Any

import pytest

from pegbar.core.errors import MethodNotAllowed, NotFound
from pegbar.core.http.access import anyone
from pegbar.core.http.router import Router
from pegbar.core.http.routing import Operation


async def _handler() -> None:
    """Nothing."""


def router(*routes: str) -> Router[str]:
    """A router of operations such as "GET /a/{b:uuid}", each of which answers its own text."""
    return Router((_operation(*route.split()), route) for route in routes)


def _operation(method: str, path: str) -> Operation:
    return Operation(
        method=method, path=path, access=anyone, handler=_handler, status=200, events=(), returns=None,
        tag="", summary="", description="",
    )  # fmt: skip


ROUTES = (
    "GET /",
    "GET /data/things",
    "POST /data/things",
    "GET /data/things/open",
    "GET /data/things/{thing_id:uuid}",
    "PUT /data/things/{instance_id:uuid}",
    "GET /data/things/{thing_id:uuid}/parts/{part_id:uuid}",
    "GET /data/things/open/parts",
    "POST /jobs/{job_id:int}/retry",
    "GET /pictures/{instance_id:uuid}.png",
    "GET /pictures/{instance_id:uuid}.{extension:str}",
    "DELETE /pictures/{instance_id:uuid}",
)


@pytest.mark.parametrize(
    ("method", "path", "route", "params"),
    [
        ("GET", "/", 0, {}),
        ("GET", "/data/things", 1, {}),
        ("GET", "//data///things/", 1, {}),
        ("POST", "/data/things/", 2, {}),
        ("GET", "/data/things/open", 3, {}),
        ("GET", "/data/things/x", 4, {"thing_id": "x"}),
        ("PUT", "/data/things/x", 5, {"instance_id": "x"}),
        ("GET", "/data/things/x/parts/y", 6, {"thing_id": "x", "part_id": "y"}),
        ("GET", "/data/things/open/parts", 7, {}),
        # What is written out leads nowhere here: the parameter in its place is meant.
        ("GET", "/data/things/open/parts/y", 6, {"thing_id": "open", "part_id": "y"}),
        ("POST", "/jobs/12/retry", 8, {"job_id": 12}),
        ("GET", "/pictures/x.png", 9, {"instance_id": "x"}),
        ("GET", "/pictures/x.exr", 10, {"instance_id": "x", "extension": "exr"}),
        ("DELETE", "/pictures/x", 11, {"instance_id": "x"}),
    ],
)
def test_the_most_literal_path_is_meant(method: str, path: str, route: int, params: dict[str, Any]) -> None:
    assert router(*ROUTES).find(method, path) == (ROUTES[route], params)


@pytest.mark.parametrize("path", ["/data", "/data/things/x/parts", "/nowhere", "/jobs/x/retry", "/data/things/x/y/z"])
def test_an_unknown_path_is_not_found(path: str) -> None:
    with pytest.raises(NotFound):
        router(*ROUTES).find("POST" if path.startswith("/jobs") else "GET", path)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/data/things", ("GET", "POST")),
        ("/data/things/open", ("GET",)),
        ("/data/things/x", ("GET", "PUT")),
        ("/pictures/x.png", ("GET",)),
        ("/pictures/x", ("DELETE",)),
    ],
)
def test_another_method_is_told_those_of_the_path(path: str, allowed: Sequence[str]) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        router(*ROUTES).find("PATCH", path)
    assert refused.value.headers == {"allow": ", ".join([*allowed, "OPTIONS"])}
