"""Answers in fewer bytes, to who takes them, and the same answer in each coding."""

import asyncio
import json
import zlib
from typing import Any

import pytest
import requests
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.http.compression import Compressing, accepted
from tests import factories
from tests.client import Client

CODINGS = ("zstd", "gzip")


def unpacked(coding: str | None, body: bytes) -> bytes:
    if coding == "gzip":
        return zlib.decompress(body, 31)
    return zstandard.ZstdDecompressor().decompressobj().decompress(body) if coding == "zstd" else body


def sent(accept: str, pieces: list[bytes], *more: tuple[bytes, bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The headers and pieces of an answer as they reach the client."""
    messages: list[Any] = []

    async def keep(message: Any) -> None:
        messages.append(message)

    async def run() -> None:
        send = Compressing(keep, accept.encode())
        headers = [(b"content-type", b"application/json"), *more]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces) - 1})

    asyncio.run(run())
    return dict(messages[0]["headers"]), [message["body"] for message in messages[1:]]


@given(st.lists(st.binary(max_size=9000), min_size=1, max_size=5), st.sampled_from(CODINGS))
def test_whatever_comes_in_pieces_comes_whole(pieces: list[bytes], coding: str) -> None:
    headers, bodies = sent(coding, pieces, (b"etag", b'"a"'), (b"content-length", b"%d" % sum(map(len, pieces))))
    packed = headers.get(b"content-encoding")
    assert (packed is None) == (len(pieces) == 1 and len(pieces[0]) < 4096)
    assert headers[b"etag"] == (b'"a"' if packed is None else f'"a-{coding}"'.encode())
    assert unpacked(packed.decode() if packed else None, b"".join(bodies)) == b"".join(pieces)
    assert headers.get(b"content-length", b"%d" % len(b"".join(bodies))) == b"%d" % len(b"".join(bodies))


@pytest.mark.parametrize("coding", CODINGS)
def test_what_was_sent_so_far_can_be_read(coding: str) -> None:
    lines = [json.dumps({"line": number}).encode() * 50 for number in range(4)]
    _, bodies = sent(coding, lines)
    reader = zlib.decompressobj(31) if coding == "gzip" else zstandard.ZstdDecompressor().decompressobj()
    assert [reader.decompress(body) for body in bodies] == lines


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("GZIP", "gzip"),
        ("gzip;q=0.5, zstd;q=0", "gzip"),
        ("gzip; q=0.0, identity", None),
        ("br", None),
        ("*", None),
        ("", None),
        (",;,q=", None),
    ],
)
def test_the_client_says_what_it_takes(header: str, coding: str | None) -> None:
    headers, _ = sent(header, [b"x" * 5000])
    assert headers.get(b"content-encoding", b"").decode() == (coding or "")
    assert headers[b"vary"] == b"Accept-Encoding"


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_is_read(header: str) -> None:
    assert accepted(header) <= {*header.lower().replace(";", ",").split(",")} | {
        part.strip() for part in header.lower().replace(";", ",").split(",")
    }


def test_secrets_pictures_and_parts_stay_as_they_are() -> None:
    for more in (
        (b"set-cookie", b"a=b"), (b"content-range", b"bytes 0-1/2"), (b"content-encoding", b"br"),
        (b"content-type", b"image/png"), (b"content-type", b"text/event-stream"), (b"accept-ranges", b"bytes"),
        (b"content-disposition", b"attachment"),
    ):  # fmt: skip
        assert sent("gzip", [b"x" * 5000], more)[1] == [b"x" * 5000]


def test_a_board_is_the_same_in_every_coding(admin: Client) -> None:
    show = factories.production(admin)
    for _ in range(12):
        factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")
    url = f"{admin.api}/data/shots/with-tasks"

    def board(coding: str, tag: str = "", **params: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {admin.token}", "Accept-Encoding": coding, "If-None-Match": tag}
        answer = requests.get(
            url, params={"project_id": show["id"], **params}, headers=headers, stream=True, timeout=20
        )
        answer.raw.decode_content = False
        return answer

    plain = board("identity")
    body = plain.raw.read()
    assert len(json.loads(body)) == 12
    assert "content-encoding" not in plain.headers
    tag = plain.headers["etag"]
    for coding in CODINGS:
        packed = board(coding)
        assert unpacked(coding, packed.raw.read()) == body
        held = packed.headers["etag"]
        assert (held, packed.headers["vary"]) == (f'{tag[:-1]}-{coding}"', "Accept-Encoding")
        again = board(coding, held)
        assert (again.status_code, again.headers["etag"]) == (304, held)
        lines = board(coding, stream="true").raw.read()
        assert len(unpacked(coding, lines).splitlines()) == 13
    assert board("gzip", tag).status_code == 304
    assert board("gzip", f'{tag[:-1]}x-gzip"').status_code == 200
