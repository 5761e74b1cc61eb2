"""Castings from spreadsheets."""

from tests.client import Client
from tests.entities.shows import Show, happened
from tests.exchange.sheets.sending import send
from tests.factories import hire
from tests.server import Server

HEAD = "Episode;Parent;Name;Asset Type;Asset;Occurences;Label\n"


def _parts(show: Show, of: dict[str, str]) -> dict[str, tuple[int, str]]:
    rows = show.admin.ok_get(f"{show.path}/entities/{of['id']}/casting")
    return {row["asset_name"]: (row["nb_occurences"], row["label"]) for row in rows}


def test_assets_are_cast_in_shots_assets_and_episodes_by_name(server: Server, admin: Client) -> None:
    show = Show(admin, production_type="tvshow")
    episode = show.episode("E01")
    shot = show.shot(show.sequence(episode, "SQ 01"), name="SH01")
    elise, cart = show.asset(name="Élise"), show.asset(name="Cart")
    sheet = (
        f"{HEAD}e01;sq-01;sh01;CHARACTER;elise;;Walks Away\n;Character;Cart;Character;Elise;3;\n"
        ";Episode;E01;Character;Cart;2;near\nE01;Episode;E01;Character;Cart;9;far\nMP;Character;cart;Character;Nobody;2;\nE01;SQ09;SH01;Character;Cart;1;\n"
    )
    already = len(happened(server, show.id))
    answer = send(admin, f"projects/{show.id}/casting", sheet)
    assert (answer.status_code, answer.json()) == (201, [None] * 6)
    assert _parts(show, shot) == {"Élise": (1, "walks-away")}
    assert _parts(show, cart) == {"Élise": (3, "")}
    assert _parts(show, episode) == {"Cart": (2, "near"), "Élise": (1, "walks-away")}
    assert show.read(shot)["nb_entities_out"] == 1
    names = [name for name, _ in happened(server, show.id)[already:]]
    assert names.count("entity-link:new") == 3
    assert {"shot:casting-update", "asset:casting-update", "episode:casting-update"} <= set(names)
    assert elise["id"] in show.casting(shot)


def test_links_are_overwritten_and_none_is_removed(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence(name="SQ01"), name="SH01")
    show.cast(shot, show.asset(name="Cart"), show.asset(name="Barrel"), count=5)
    sheet = "Parent,Name,Asset Type,Asset,Occurences\nSQ01,SH01,Character,Cart,2\n"
    tried = send(admin, f"projects/{show.id}/casting", sheet, dry_run="true").json()
    assert (tried["created"], tried["changed"]) == (0, 1)
    assert _parts(show, shot)["Cart"] == (5, "")
    for _ in range(2):
        assert send(admin, f"projects/{show.id}/casting", sheet).json() == [None]
        assert _parts(show, shot) == {"Cart": (2, "fixed"), "Barrel": (5, "")}
    again = send(admin, f"projects/{show.id}/casting", sheet, dry_run="true").json()
    assert (again["left"], again["rows"][0]["name"]) == (1, "SQ01 / SH01 / Cart")


def test_what_names_nothing_is_told_by_a_dry_run_only(admin: Client) -> None:
    show = Show(admin)
    show.shot(show.sequence(name="SQ01"), name="SH01")
    sheet = "Parent,Name,Asset Type,Asset,Occurences\nSQ01,SH01,Character,Nobody,2\n"
    assert send(admin, f"projects/{show.id}/casting", sheet).json() == [None]
    (row,) = send(admin, f"projects/{show.id}/casting", sheet, dry_run="true").json()["rows"]
    assert row["outcome"] == "left"
    assert "Nobody" in row["errors"][0]["message"]


def test_a_bad_row_stops_the_import_and_keeps_those_before(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence(name="SQ01"), name="SH01")
    show.asset(name="Cart")
    head, good = "Parent,Name,Asset Type,Asset,Occurences\n", "SQ01,SH01,Character,Cart,2\n"
    for bad, word in [("SQ01,SH01,Character,Cart,many", "many"), ("Character,Cart,Character,Cart,1", "itself")]:
        answer = send(admin, f"projects/{show.id}/casting", f"{head}{good}{bad}\n")
        assert (answer.status_code, answer.json()["line_number"], answer.json()["imported_rows"]) == (400, 3, 1)
        assert word in answer.json()["message"]
    assert _parts(show, shot) == {"Cart": (2, "fixed")}
    missing = send(admin, f"projects/{show.id}/casting", "Parent,Name,Asset,Occurences\nSQ01,SH01,Cart,1\n")
    assert "Asset Type" in missing.json()["message"]


def test_managers_of_the_production_import_castings(admin: Client) -> None:
    show = Show(admin)
    manager, supervisor, stranger = hire(admin), hire(admin, "supervisor"), hire(admin, "manager")
    show.join(manager, "manager")
    show.join(supervisor, "supervisor")
    path = f"projects/{show.id}/casting"
    assert [send(who, path, HEAD).status_code for who in (manager, supervisor, stranger)] == [201, 403, 403]
    assert send(admin, "projects/nonsense/casting", HEAD).status_code == 404
