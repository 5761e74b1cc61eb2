"""What is found and in which order, against a plain model; and however much of it there is."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pegbar.accounts.administration import OPERATOR
from pegbar.core.data.database import Database
from pegbar.search import queries
from pegbar.search.frequencies import FREQUENCIES
from pegbar.search.reading import Search, Wanted
from pegbar.search.words import Typed
from tests import factories
from tests.client import Client, unique
from tests.server import Server

#: Words too short to be taken for parts of others, or for errors.
_WORDS = ("ab", "ac", "abd", "ba", "bab", "be", "ca", "cab", "da")


def _word(beginning: str) -> str:
    """A word of letters that no other test uses."""
    return beginning + "".join(chr(ord("a") + int(digit, 16)) for digit in unique("").strip())


@pytest.fixture(scope="module")
def assets(admin: Client) -> list[dict[str, Any]]:
    """Assets of a production whose words stand in names, descriptions and metadata, by chance."""
    show, chance = factories.production(admin), random.Random(11)

    def some(most: int) -> str:
        return " ".join(chance.choices(_WORDS, k=chance.randint(0, most)))

    def asset(nth: int) -> dict[str, Any]:
        name = f"{some(2)} {chance.choice(_WORDS)} {chr(97 + nth % 26)}{chr(97 + nth // 26)}zz"
        return factories.entity(admin, show["id"], "Prop", name=name, description=some(2), data={"note": some(1)})

    return [asset(nth) for nth in range(48)]


def _rank(asset: dict[str, Any], words: Sequence[str]) -> tuple[Any, ...] | None:
    """Where an asset comes among those that words find, the last of which may go on; None: not at all."""
    *others, last = words
    name, description = asset["name"].lower().split(), (asset["description"] or "").split()
    note, key, typed = asset["data"]["note"].split(), "".join(name), "".join(words)
    place, everywhere = {*name, "prop"}, {*name, "prop", *description, *note}
    if set(words) <= place:
        alone = set(words) <= set(name)
        return (0, key != typed, not key.startswith(typed), not alone, key)
    if key.startswith(typed):
        return (1, key)
    for nth, (around, there) in enumerate(
        [(place, place), (everywhere, place), (everywhere, description), (everywhere, note)]
    ):
        begun = sorted(word for word in there if word.startswith(last))
        if begun and set(others) <= set(around):
            return (2 + nth, begun[0], key)
    return None


def test_what_is_found_and_its_order_are_those_of_a_plain_model(admin: Client, assets: list[dict[str, Any]]) -> None:
    chance, empty = random.Random(5), 0
    for _ in range(40):
        words = chance.sample(_WORDS, k=chance.randint(1, 3))
        words[-1] = words[-1][: chance.randint(1, 3)]
        if len(" ".join(words)) < 3 or any(len(word) > 2 for word in words):
            continue
        ranks = {asset["id"]: _rank(asset, words) for asset in assets}
        expected = sorted((rank, row_id) for row_id, rank in ranks.items() if rank is not None)
        body = {"query": " ".join(words), "index_names": ["assets"], "project_id": assets[0]["project_id"]}
        for limit in (3, 100):
            found = admin.ok_post("/data/search", {**body, "limit": limit})["assets"]
            assert [row["id"] for row in found] == [row_id for _, row_id in expected][:limit], words
        empty += not expected
    assert empty < 10


def test_what_begins_with_a_letter_is_found_however_many_words_begin_so(admin: Client) -> None:
    name = _word("begun")
    words = [f"{name}{chr(97 + nth // 26)}{chr(97 + nth % 26)}" for nth in range(130)]
    factories.entity(admin, factories.production(admin)["id"], "Prop", description=" ".join(words[:-1]))
    place = factories.production(admin)["id"]
    for column in ({"name": f"lamp {words[-1]}"}, {"description": f"lamp {words[-1]}"}, {"data": {"a": words[-1]}}):
        asset = factories.entity(admin, place, "Prop", **column)
        typed = name if "data" in column else f"lamp {name}"
        body = {"query": typed, "index_names": ["assets"], "project_id": place, "limit": 10}
        assert asset["id"] in {row["id"] for row in admin.ok_post("/data/search", body)["assets"]}, typed


# However much there is


@pytest.fixture(scope="module")
def shows(admin: Client) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A word of more productions than are asked for at once: each has it in a name, a description and a value."""
    word = _word("tansy")
    shows = [factories.production(admin) for _ in range(8)]
    for nth, show in enumerate(shows):
        more = [{"name": f"{word} {nth}"}, {"description": f"a {word}"}, {"data": {"herb": f"{word}s"}}]
        for column in more:
            factories.entity(admin, show["id"], **column)
    yield word, shows
    closed = factories.named(admin, "project-status", "Closed")["id"]
    for show in shows:  # other tests search a server of few productions
        admin.ok_put(f"/data/projects/{show['id']}", {"project_status_id": closed})


@pytest.mark.parametrize("limit", [3, 100])
def test_what_is_found_does_not_depend_on_how_frequent_a_word_is_thought_to_be(
    server: Server, shows: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    word, productions = shows

    async def found() -> list[bytes]:
        db = Database(server.database_url, size=1, streams=1)
        await db.open()
        try:
            answers = []
            for query in (word, word[:-1], word[1:], f"{word} {word}s"):
                wanted = Wanted(query, ("assets", "shots"), limit)
                answers.append(bytes(await Search(db, OPERATOR, wanted).run()))
            return answers
        finally:
            await db.close()

    class Everything(dict[str, int]):
        def get(self, *_: Any) -> int:  # type: ignore[override]
            return 10**6

    async def frequent(_: Any) -> Everything:
        return Everything()

    seldom = asyncio.run(found())
    monkeypatch.setattr(FREQUENCIES, "documents", frequent)
    assert asyncio.run(found()) == seldom
    if limit == 100:
        assert seldom[0].count(b'"project_name"') == 3 * len(productions)


def test_words_that_many_documents_have_are_known(server: Server, shows: tuple[str, list[dict[str, Any]]]) -> None:
    word, productions = shows

    async def read() -> dict[str, int]:
        db = Database(server.database_url, size=1, streams=1)
        await db.open()
        try:
            return {row["lexeme"]: row["documents"] for row in await db.rows(queries.frequencies, many=2)}
        finally:
            await db.close()

    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE pegbar.search_document ALTER words SET STATISTICS 10000")
        connection.execute("ANALYZE pegbar.search_document")
        connection.execute("ALTER TABLE pegbar.search_document ALTER words SET STATISTICS -1")
    frequencies = asyncio.run(read())
    assert all(frequencies)
    assert all(count >= 2 for count in frequencies.values())
    assert frequencies[f"A{word}"] >= len(productions)


# Words, as Python splits them


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as opened:
        yield opened


@settings(max_examples=300)
@given(text=st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=200))
def test_ascii_is_split_as_the_database_splits_it(connection: psycopg.Connection, text: str) -> None:
    row = connection.execute("SELECT pegbar.search_words(%(t)s), pegbar.search_key(%(t)s)", {"t": text}).fetchone()
    assert row is not None
    assert Typed.of_ascii(text) == Typed.of(*row)
