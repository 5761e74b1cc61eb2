"""Every route as every kind of caller, compared with tables written from the specification (oracle/README.md)."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from pegbar.app import load_domains
from pegbar.core.http.access import Place
from tests.client import sign_in
from tests.server import ADMIN, Server
from tests.whole import oracle
from tests.whole.oracle import Line
from tests.whole.world import KEPT, World, made

#: Lines that are right and not yet true, by caller, with the reason. It must shrink: an entry that has come true fails.
OWED: dict[str, tuple[str, set[str]]] = {}

#: Routes that answer 404 to those who may, since no file of the kind is stored.
NOTHING_STORED = (
    "GET /movies/",
    "GET /shared/playlists/{token}/movies/",
    "GET /shared/playlists/{token}/pictures/thumbnails/persons/",
    "GET /pictures/thumbnails/attachment-files/",
    "GET /actions/preview-files/{preview_file_id}/extract-",
)
#: Routes that no request of the test brings to the end, with the reason.
STOPPED_SOONER = {
    "POST /auth/totp": "the code is wrong",
    "DELETE /auth/totp": "none is enabled",
    "POST /auth/email-otp": "the code is wrong",
    "DELETE /auth/email-otp": "none is enabled",
    "POST /auth/fido": "there is no key",
    "DELETE /auth/fido": "none is enabled",
    "PUT /auth/recovery-codes": "no second factor is enabled",
    "POST /uploads": "its length is said by a header",
    "PATCH /uploads/{upload_id}": "its bytes have a content type of their own",
    "POST /uploads/{upload_id}": "the same",
    "POST /data/salary-scales": "listing makes them",
    "GET /data/playlists/{playlist_id}/jobs/{build_job_id}/build/mp4": "the build runs",
}
#: Who is refused where nobody needs an account: a page for studio managers, with a form for whoever is not signed in.
REFUSED_THOUGH_PUBLIC = {"GET /console": {"client"}}
#: An answer without any tells of no row.
_IDS = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-")
_KIND = re.compile(r":\w+}")
#: What a refused commit, or rows that are still used, say: the request has passed all that could refuse it.
_TO_THE_END = re.compile(f"{KEPT}|still used")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(None, MAIL_ENABLED="false") as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return made(server, sign_in(server.api, *ADMIN))


def declared() -> list[str]:
    """Every route that `pegbar routes` lists, as `METHOD /path`, with the names of its parameters alone."""
    return [f"{operation.method} {_KIND.sub('}', operation.path)}" for operation in load_domains()]


def test_every_route_has_one_line() -> None:
    lines = Counter(line.route for line in oracle.lines() if not line.asked)
    routes = set(declared())
    assert not routes - lines.keys(), (
        "add a line for each to the table of its area in tests/whole/oracle, written from the specification, "
        f"and a body to bodies.txt if it takes one: {sorted(routes - lines.keys())}"
    )
    assert not lines.keys() - routes, f"lines without a route: {sorted(lines.keys() - routes)}"
    assert [route for route, count in lines.items() if count > 1] == []
    assert oracle.bodies().keys() <= routes
    assert OWED.keys() <= {line.title for line in oracle.lines()}
    assert STOPPED_SOONER.keys() <= routes


def test_every_place_named_in_the_query_is_asked() -> None:
    asked = {(line.route, name) for line in oracle.lines() for name in re.findall(r"[?&](\w+)=", line.asked)}
    missing = []
    for operation in load_domains():
        place: Place | None = operation.access.place
        while place is not None and place.in_query:
            route = f"{operation.method} {_KIND.sub('}', operation.path)}"
            if (route, place.parameter) not in asked:
                missing.append(f"{route}: an indented line with ?{place.parameter}=")
            place = place.otherwise
    assert not missing


@pytest.mark.parametrize("line", oracle.lines(), ids=lambda line: line.title)
def test_a_route_lets_in_whom_its_line_says(line: Line, world: World) -> None:
    wrong, reached_the_end = [], False
    owed = OWED.get(line.title, ("", set()))[1]
    for caller in world.people.values():
        # Whose token it is makes no difference where nobody looks at it.
        if line.is_public and caller.name not in ("anonymous", "inactive", "client"):
            continue
        status, text = world.ask(caller, line)
        said = f"{caller.name}: {status} {text[:200]}"
        assert status < 500, said
        refusal = {403} if caller.name in REFUSED_THOUGH_PUBLIC.get(line.route, ()) else line.expects(caller.name)
        if refusal is None:
            right = status not in (401, 403, 405, 422) and (status != 404 or line.route.startswith(NOTHING_STORED))
            right &= caller.name not in line.empty_for or (status == 200 and not _IDS.search(text))
            reached_the_end |= status < 400 or bool(_TO_THE_END.search(text))
        else:
            # A bot's token is none that refreshes a session.
            right = status in refusal or (status == 422 and line.path == "/auth/refresh-token")
        if right == (caller.name in owed):
            come_true = "has come true, take it off OWED: " if right else ""
            wrong.append(f"{come_true}{'may' if refusal is None else 'may not'}: {said}")
    assert not wrong, f"{line.at}: {line.title}\n" + "\n".join(wrong)
    may = bool(line.allowed) and not line.is_public and not line.route.startswith(NOTHING_STORED)
    assert reached_the_end != (line.route in STOPPED_SOONER) or not may, (
        f"{line.at}: nobody got through to the end of {line.title}: last {said}"
    )
