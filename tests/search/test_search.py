"""What is found, in which order, and as what."""

from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pegbar.search import words
from tests import factories
from tests.client import Client, unique
from tests.server import Server

ENTITY_KEYS = {
    *(
        "id",
        "name",
        "code",
        "description",
        "shotgun_id",
        "canceled",
        "nb_frames",
        "nb_entities_out",
        "is_casting_standby",
    ),
    *("is_shared", "status", "project_id", "entity_type_id", "parent_id", "source_id", "preview_file_id", "data"),
    *("ready_for", "created_by", "created_at", "updated_at", "type"),
    *("project_name", "preview_file_extension", "matched_terms"),
}


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin, production_type="tvshow")


@pytest.fixture(scope="module")
def rows(admin: Client, show: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A small show, each row by its name."""

    def made(name: str, kind: str, **more: Any) -> dict[str, Any]:
        return factories.entity(admin, show["id"], kind, name=name, **more)

    assets = (
        made("Robot", "Character"),
        made("Robot_Hero", "Character", description="The one who saves the day"),
        made("RobotHero02", "Prop", data={"rig": "biped", "frame_in": 4711}),
        made("Émilie Bjørnsdóttir", "Character", description="ship of Théseus"),
        made("Дракон", "Character"),
        made("CH-07 Lantern", "Prop"),
        made("Old Robot", "Prop"),
    )
    episode = made("E02", "Episode")
    sequence = made("SQ01", "Sequence", parent_id=episode["id"])
    other = made("SQ12", "Sequence", parent_id=episode["id"])
    shots = [made(f"SH{n:03}", "Shot", parent_id=s["id"]) for s in (sequence, other) for n in (10, 20, 100, 110)]
    edit = made("Rough Assembly", "Edit", parent_id=episode["id"])
    found = {row["name"]: row for row in (*assets, episode, sequence, other, edit)}
    return found | {
        f"{name}/{row['name']}": row for name, four in (("SQ01", shots[:4]), ("SQ12", shots[4:])) for row in four
    }


def search(who: Client, query: str, **more: Any) -> Any:
    return who.ok_post("/data/search", {"query": query, **more})


def names(found: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in found]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("Robot", ["Robot", "Robot_Hero", "Old Robot", "RobotHero02"]),
        ("robot hero", ["Robot_Hero"]),
        ("robothero", ["Robot_Hero", "RobotHero02"]),
        ("hero", ["Robot_Hero", "RobotHero02"]),  # a word before a part of one
        ("emilie", ["Émilie Bjørnsdóttir"]),
        ("BJORNSD", ["Émilie Bjørnsdóttir"]),
        ("дракон", ["Дракон"]),
        ("драк", ["Дракон"]),
        ("rbot", ["Old Robot", "Robot", "Robot_Hero"]),  # typing errors, where nothing is right
        ("robto hero", ["Robot_Hero"]),
        ("lanetrn", ["CH-07 Lantern"]),
        ("ch7", ["CH-07 Lantern"]),
        ("ch 07", ["CH-07 Lantern"]),
        ("prop lantern", ["CH-07 Lantern"]),  # its type
        ("theseus", ["Émilie Bjørnsdóttir"]),
        ("saves robot", ["Robot_Hero"]),
        ("biped", ["RobotHero02"]),
        ("robot02", []),
        ("4711", []),  # frames are not searched
        ("nothing like it", []),
        ("%%%", []),
        ("___", []),
    ],
)
def test_assets_are_found(
    admin: Client, show: dict[str, Any], rows: dict[str, Any], query: str, first: list[str]
) -> None:
    found = search(admin, query, project_id=show["id"], index_names=["assets"], limit=10)
    assert names(found["assets"])[: len(first)] == first
    assert first or found == {"assets": []}


@pytest.mark.parametrize(
    "query",
    [
        "SQ01 SH010",
        "sq1sh10",
        "sq01_sh010",
        "Sq-01 / sh-0010",
        "sh10 sq1",
        "e2 sq1 sh10",
        "SQ01SH010",
        "e02_sq01_sh010",
    ],
)
def test_shots_are_found_however_numbers_are_written(
    admin: Client, show: dict[str, Any], rows: dict[str, Any], query: str
) -> None:
    (found,) = search(admin, query, project_id=show["id"], index_names=["shots"], limit=1)["shots"]
    assert found["id"] == rows["SQ01/SH010"]["id"]


def test_shots_are_found_while_their_number_is_typed(admin: Client, show: dict[str, Any], rows: dict[str, Any]) -> None:
    for typed in ("sq12 sh0", "sq12 sh01", "sq12 sh010"):
        found = search(admin, typed, project_id=show["id"])["shots"]
        assert rows["SQ12/SH010"]["id"] in [row["id"] for row in found], typed
    assert names(search(admin, "sh0", project_id=show["id"], limit=4)["shots"]) == ["SH010", "SH010", "SH020", "SH020"]
    # The number, whole and with letters before it, comes before numbers that begin with it.
    assert names(search(admin, "sh10", project_id=show["id"], limit=3)["shots"]) == ["SH010", "SH010", "SH100"]
    assert names(search(admin, "110", project_id=show["id"])["shots"]) == ["SH110", "SH110"]


def test_rows_are_whole(admin: Client, show: dict[str, Any], rows: dict[str, Any]) -> None:
    everything = search(admin, "sq01 sh010", project_id=show["id"], limit=1)
    assert list(everything) == ["assets", "shots", "persons"]
    (shot,) = everything["shots"]
    assert {*ENTITY_KEYS, "sequence_name", "episode", "episode_id", "episode_name"} == shot.keys()
    episode = rows["E02"]
    assert (shot["sequence_name"], shot["episode_name"], shot["episode_id"]) == ("SQ01", "E02", episode["id"])
    assert (shot["type"], shot["project_name"], shot["matched_terms"]) == ("Shot", show["name"], ["name"])
    (asset,) = search(admin, "biped", project_id=show["id"])["assets"]
    assert {*ENTITY_KEYS, "asset_type_name", "episode_id", "episode_name"} == asset.keys()
    assert (asset["type"], asset["asset_type_name"], asset["matched_terms"]) == ("Asset", "Prop", ["rig"])
    assert asset["data"] == {"rig": "biped", "frame_in": 4711}
    (asset,) = search(admin, "saves robot", project_id=show["id"])["assets"]
    assert asset["matched_terms"] == ["name", "description"]


def test_every_index_is_searched(admin: Client) -> None:
    mark = unique("zwirbel").replace(" ", "")
    show = factories.production(admin, name=f"Show {mark}", code="zc")
    kinds = {"assets": "Character", "shots": "Shot", "sequences": "Sequence", "edits": "Edit", "episodes": "Episode"}
    made = {name: factories.entity(admin, show["id"], kind, name=f"{kind} {mark}") for name, kind in kinds.items()}
    made["projects"] = show
    made["persons"] = admin.ok_post(
        "/data/persons", {"first_name": "Åsa", "last_name": mark, "email": f"{mark}@example.com"}
    )
    made["playlists"] = admin.ok_post("/data/playlists", {"name": f"Dailies {mark}", "project_id": show["id"]})
    task = factories.task(admin, made["assets"])
    made["comments"] = admin.ok_post(
        f"/actions/tasks/{task['id']}/comment",
        {"task_status_id": task["task_status_id"], "comment": f"please look at the {mark}"},
    )
    found = search(admin, mark, index_names=[*made, "nonsense", "assets"])
    assert {name: [row["id"] for row in of] for name, of in found.items()} == {
        name: [row["id"]] for name, row in made.items()
    }
    assert found["comments"][0]["entity_name"] == made["assets"]["name"]
    assert found["comments"][0]["matched_terms"] == ["text"]
    assert found["persons"][0]["full_name"] == f"Åsa {mark}"
    assert found["playlists"][0]["project_name"] == show["name"]
    # As somebody mistypes it.
    assert search(admin, f"{mark[:-1]}", index_names=["comments"])["comments"]


def test_what_is_written_is_found_at_once_and_no_longer_when_it_is_gone(admin: Client, show: dict[str, Any]) -> None:
    old, new = unique("Kelp").replace(" ", ""), unique("Moss").replace(" ", "")
    sequence = factories.entity(admin, show["id"], "Sequence", name=old)
    shot = factories.entity(admin, show["id"], "Shot", name="SH001", parent_id=sequence["id"])

    def ids(query: str) -> set[str]:
        found = search(admin, query, index_names=["sequences", "shots"])
        return {row["id"] for of in found.values() for row in of}

    assert ids(old) == {sequence["id"], shot["id"]}
    admin.ok_put(f"/data/entities/{sequence['id']}", {"name": new})
    assert ids(old) == set()
    assert ids(new) == {sequence["id"], shot["id"]}
    admin.ok_put(f"/data/entities/{shot['id']}", {"description": f"with {old}", "data": {"mood": f"{old}ish"}})
    assert ids(old) == {shot["id"]}
    admin.ok_delete(f"/data/shots/{shot['id']}", params={"force": "true"})
    assert ids(old) == set()
    assert ids(new) == {sequence["id"]}


def test_what_another_server_writes_is_found(admin: Client, server: Server, show: dict[str, Any]) -> None:
    name = unique("Quarry").replace(" ", "")
    asset = factories.entity(admin, show["id"])
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entity SET name = %s WHERE id = %s", [name, asset["id"]])
        assert [row["id"] for row in search(admin, name)["assets"]] == [asset["id"]]
        person = connection.execute(
            "INSERT INTO person (id, first_name, last_name, role, contract_type, active) VALUES"
            " (gen_random_uuid(), 'Ex', %s, 'user', 'open-ended', true) RETURNING id::text",
            [name],
        ).fetchone()
        assert person is not None
        assert [row["id"] for row in search(admin, name)["persons"]] == [person[0]]
        connection.execute("UPDATE person SET active = false WHERE id = %s", [person[0]])
        assert search(admin, name)["persons"] == []
        connection.execute("DELETE FROM person WHERE id = %s", [person[0]])
        # A row that leaves out what it may is written, whatever the search makes of it.
        task = factories.task(admin, asset)
        for created_at in (None, "infinity", "-infinity", "0044-03-15 BC", "9999-12-31"):
            connection.execute(
                "INSERT INTO comment (id, object_id, object_type, text, person_id, created_at, replies, checklist)"
                " VALUES (gen_random_uuid(), %s, 'Task', %s, %s, %s, '[1, {\"text\": {}}]', '{}')",
                [task["id"], name, admin.id, created_at],
            )
        connection.execute("UPDATE comment SET text = NULL WHERE object_id = %s AND created_at IS NULL", [task["id"]])
        connection.execute("UPDATE task SET project_id = NULL WHERE id = %s", [task["id"]])
        connection.execute("UPDATE comment SET text = %s WHERE object_id = %s", [f"{name} ", task["id"]])
        connection.execute("DELETE FROM comment WHERE object_id = %s", [task["id"]])
        connection.execute("DELETE FROM task WHERE id = %s", [task["id"]])


def test_types_decide_where_something_is_found(admin: Client, show: dict[str, Any]) -> None:
    name = unique("Basalt").replace(" ", "")
    made = admin.ok_post("/data/entity-types", {"name": unique("Rock")})
    asset = factories.entity(admin, show["id"], name=name, entity_type_id=made["id"])
    assert [row["id"] for row in search(admin, made["name"], limit=100)["assets"]] == [asset["id"]]
    renamed = unique("Mineral").replace(" ", "")
    admin.ok_put(f"/data/entity-types/{made['id']}", {"name": renamed})
    assert [row["asset_type_name"] for row in search(admin, f"{renamed} {name}")["assets"]] == [renamed]
    scene = (admin.ok_get("/data/entity-types", params={"name": "Scene"}) or [None])[0]
    scene = (scene or admin.ok_post("/data/entity-types", {"name": "Scene"}))["id"]
    admin.ok_put(f"/data/entities/{asset['id']}", {"entity_type_id": scene})
    assert search(admin, name, index_names=list(words.CODES)) == {kind: [] for kind in words.CODES}
    shot = factories.named(admin, "entity-types", "Shot")["id"]
    admin.ok_put(f"/data/entities/{asset['id']}", {"entity_type_id": shot})
    assert [row["type"] for row in search(admin, name)["shots"]] == ["Shot"]


def test_pages_and_bounds(admin: Client, rows: dict[str, Any], show: dict[str, Any]) -> None:
    def page(**more: Any) -> list[str]:
        found = search(admin, "robot", project_id=show["id"], index_names=["assets"], **more)
        return [row["id"] for row in found["assets"]]

    whole = page(limit=100)
    assert whole == [*page(limit=2), *page(limit=2, offset=2), *page(limit=100, offset=4)]
    assert len(page()) == 3
    prop = factories.named(admin, "entity-types", "Prop")["id"]
    assert page(limit=9, entity_types=[prop]) == [rows["Old Robot"]["id"], rows["RobotHero02"]["id"]]
    for wrong in (
        {"limit": 0}, {"limit": 101}, {"limit": "many"}, {"offset": -1}, {"offset": 1001}, {"project_id": ""},
        {"project_id": "x"}, {"index_names": "assets"}, {"entity_types": ["x"]}, {"query": None}, {"query": 7},
    ):  # fmt: skip
        answer = admin.post("/data/search", {"query": "robot", **wrong})
        (field,) = wrong
        assert answer.status_code == 400, wrong
        assert answer.json()["data"]["errors"][0]["field"].startswith(field)
    assert admin.post("/data/search", {}).json()["data"]["errors"][0]["field"] == "query"
    assert search(admin, "ro") == search(admin, "") == search(admin, "  r  ") == {}
    assert search(admin, "robot", index_names=[]) == search(admin, "robot", index_names=["people"]) == {}


@pytest.fixture(scope="module")
def plain(admin: Client) -> dict[str, Any]:
    """A production whose rows hold no chance: the names of the others begin with any digits."""
    show = factories.production(admin)
    for name in ("Robot", "Castle"):
        factories.entity(admin, show["id"], name=name)
    return show


@pytest.mark.parametrize(
    "query",
    [
        *(
            "x" * 10_000,
            "ab " * 3_000,
            "0" * 10_000,
            "' | !! <-> :* \\ '' &",
            "a\0b\0c",
            "🔥🔥🔥",
            "\u202eabc\u202d",
            "_%_%_%",
        ),
        *("\\\\\\", "'''", "((((", "@shots", "~=|", "é" * 500, "龍" * 300, "\ufeff\u200b\u00ad", "a1" * 100, '{}[]""'),
    ],
)
def test_hostile_queries_find_nothing_and_fail_nothing(admin: Client, plain: dict[str, Any], query: str) -> None:
    listed = search(admin, query, index_names=list(words.CODES), project_id=plain["id"])
    listed.pop("persons")  # the whole studio's: another test may have hired somebody as hostile
    assert all(hits == [] for hits in listed.values())


def test_closed_and_unknown_productions_are_not_searched(admin: Client) -> None:
    show = factories.production(admin)
    name = unique("Dusk")
    factories.entity(admin, show["id"], name=name)
    assert len(search(admin, name, project_id=show["id"])["assets"]) == 1
    closed = factories.named(admin, "project-status", "Closed")["id"]
    admin.ok_put(f"/data/projects/{show['id']}", {"project_status_id": closed})
    assert search(admin, name)["assets"] == []
    assert search(admin, name, project_id=show["id"]) == {"assets": [], "shots": [], "persons": []}
    unknown = "5ec2e700-0000-4000-8000-000000000000"
    assert search(admin, name, project_id=unknown) == {"assets": [], "shots": [], "persons": []}


def test_statements_of_a_search_are_few(admin: Client, show: dict[str, Any], rows: dict[str, Any]) -> None:
    """However many rows are found, and in how many productions."""
    body = {"query": "robto hero", "index_names": ["assets", "shots", "sequences", "edits", "episodes"], "limit": 50}
    answer = admin.post("/data/search", body)
    assert int(answer.headers["server-timing"].split('"')[1].split()[0]) <= 16


# Words, as PostgreSQL splits them


@pytest.fixture(scope="module")
def sql(server: Server) -> Any:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield lambda statement, *values: connection.execute(statement, values).fetchone()[0]  # type: ignore[index]


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@settings(max_examples=300)
@given(text=_TEXT)
def test_every_text_has_words_that_an_index_takes(sql: Any, text: str) -> None:
    split = sql("SELECT pegbar.search_words(%s)", text)
    assert split == sql("SELECT pegbar.search_words(%s)", split), "words are made of words"
    assert sql("SELECT pegbar.search_words(%s)", text + "́") == split or not text, "an accent more is none"
    vector = (
        "SELECT pegbar.search_vector('assets', gen_random_uuid(), %s, %s, %s, jsonb_build_object('k', %s::text)) @@ %s"
    )
    typed = words.Typed.of(split, "")
    if typed.words:
        assert sql(
            f"{vector}::tsquery", text, None, None, None, words.any_of(query.text() for query in typed.exact("assets"))
        )
        found = words.Typed.of(split, "").some("assets", words.METADATA, {})
        known = sql(f"{vector}::tsquery", "", None, text, text, found)
        assert known or text.count("-") == 4  # an id is no word
    key = sql("SELECT pegbar.search_key(%s)", text)
    assert len(key) <= 160
    assert " " not in key


@given(
    text=st.text("abcdefg_- .", min_size=1, max_size=12),
    number=st.integers(0, 99999),
    width=st.integers(1, 6),
    separator=st.sampled_from(["", " ", "_", "-", "."]),
)
@settings(max_examples=100)
def test_case_separators_and_zeros_make_no_difference(
    sql: Any, text: str, number: int, width: int, separator: str
) -> None:
    one = sql("SELECT pegbar.search_words(%s)", f"{text}{number} x{number}")
    other = sql("SELECT pegbar.search_words(%s)", f"{text.upper()}{number:0{width}}{separator}X{number:0{width}}")
    assert one == other


@given(typed=st.text("abc", max_size=9), other=st.text("abc", max_size=9), most=st.integers(0, 3))
def test_errors_are_counted(typed: str, other: str, most: int) -> None:
    """Against the definition, without a bound: letters added, left out, replaced, or swapped with their neighbour."""

    def plain(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        best = min(plain(a[1:], b) + 1, plain(a, b[1:]) + 1, plain(a[1:], b[1:]) + (a[0] != b[0]))
        if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
            best = min(best, plain(a[2:], b[2:]) + 1)
        return best

    if len(typed) + len(other) <= 10:
        assert words.distance(typed, other, most) == min(plain(typed, other), most + 1)
    assert words.distance(typed, other, most) == words.distance(other, typed, most)
