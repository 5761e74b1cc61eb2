"""Gazu's persons, departments and days off."""

from datetime import date
from pathlib import Path

import gazu
import pytest

from tests.accounts.test_second_factors import with_totp
from tests.client import Client, unique
from tests.gazu.conftest import Row, Show, ids
from tests.media.publishing import png


@pytest.fixture
def ada(signed_in: Row) -> Row:
    """Somebody of her own for a test."""
    email = f"{unique('ada').replace(' ', '.')}@example.com"
    return dict(gazu.person.new_person("Ada", unique("Love"), email, desktop_login=email, password="longenough"))


def test_people_are_found_by_what_is_known_of_them(ada: Row) -> None:
    full_name = f"{ada['first_name']} {ada['last_name']}"
    assert ada["id"] in ids(gazu.person.all_persons())
    for found in (
        gazu.person.get_person(ada["id"]),
        gazu.person.get_person_by_email(ada["email"]),
        gazu.person.get_person_by_desktop_login(ada["desktop_login"]),
        gazu.person.get_person_by_full_name(full_name),
        gazu.person.get_person_by_full_name("", first_name="Ada", last_name=ada["last_name"]),
    ):
        assert found["id"] == ada["id"]
    assert gazu.person.get_person(ada["id"], relations=True)["departments"] == []
    assert gazu.person.get_person_url(ada).endswith(f"/people/{ada['id']}/")
    assert gazu.person.new_person("Other", "Name", ada["email"])["id"] == ada["id"]


def test_people_change_and_leave(ada: Row, tmp_path: Path) -> None:
    assert gazu.person.update_person({"id": ada["id"], "phone": "0123"})["phone"] == "0123"
    assert gazu.person.change_password_for_person(ada, "anotherpassword") == {"success": True}
    assert gazu.person.invite_person(ada)["success"] is True
    face = tmp_path / "face.png"
    face.write_bytes(png())
    assert gazu.person.set_avatar(ada, str(face))["thumbnail_path"].endswith(f"{ada['id']}.png")
    assert gazu.person.get_person(ada["id"])["has_avatar"] is True
    gazu.person.clear_person_avatar(ada)
    assert gazu.person.get_person(ada["id"])["has_avatar"] is False
    gazu.person.remove_person(ada, force=True)
    assert gazu.person.get_person(ada["id"]) is None


def test_second_factors_are_turned_off(admin: Client) -> None:
    email = with_totp(admin)[1]
    ida = gazu.person.get_person_by_email(email)
    assert ida["totp_enabled"] is True
    gazu.person.disable_two_factor_authentication(ida)
    assert gazu.person.get_person_by_email(email)["totp_enabled"] is False


def test_bots(signed_in: Row) -> None:
    bot = gazu.person.new_bot(unique("Bot"), f"{unique('bot').replace(' ', '.')}@example.com")
    assert bot["access_token"]
    assert gazu.person.get_person_by_email(bot["email"], is_bot=True)["id"] == bot["id"]
    assert gazu.person.update_bot({"id": bot["id"], "role": "supervisor"})["role"] == "supervisor"
    gazu.person.remove_bot(bot)
    assert gazu.person.get_person(bot["id"]) is None


def test_departments(ada: Row) -> None:
    made = gazu.person.new_department(unique("Hair"), "#aabbcc")
    assert gazu.person.new_department(made["name"])["id"] == made["id"]
    assert made["id"] in ids(gazu.person.all_departments())
    assert gazu.person.get_department(made["id"]) == gazu.person.get_department_by_name(made["name"])
    assert gazu.person.update_department({"id": made["id"], "archived": True})["archived"] is True
    assert gazu.person.add_person_to_department(ada, made)["departments"] == [made["id"]]
    gazu.person.remove_person_from_department(ada, made)
    assert gazu.person.get_person(ada["id"], relations=True)["departments"] == []
    gazu.person.remove_department(made, force=True)
    assert gazu.person.get_department_by_name(made["name"]) is None


def test_the_organisation(signed_in: Row) -> None:
    assert gazu.person.get_organisation()["id"] in ids(gazu.person.all_organisations())


def test_days_off(ada: Row) -> None:
    made = gazu.person.new_day_off(ada, "2031-06-03", "2031-06-04", description="Sea")
    assert gazu.person.get_day_off(made["id"])["description"] == "Sea"
    for found in (
        gazu.person.get_day_offs(ada),
        gazu.person.get_week_day_offs(ada, 2031, 23),
        gazu.person.get_month_day_offs(ada, 2031, 6),
        gazu.person.get_year_day_offs(ada, 2031),
    ):
        assert ids(found) == [made["id"]]
    assert gazu.person.update_day_off({"id": made["id"], "end_date": "2031-06-06"})["end_date"] == "2031-06-06"
    gazu.person.remove_day_off(made)
    assert gazu.person.get_day_offs(ada) == []


def test_hours_and_presence(show: Show) -> None:
    artist = show.artist.person
    gazu.task.add_time_spent(show.task, artist, "2031-06-10", 90)
    (hours,) = gazu.person.get_time_spents_by_date(artist, "2031-06-10")
    assert hours["duration"] == 90
    assert ids(gazu.person.get_time_spents_range(artist["id"], "2031-06-09", "2031-06-11")) == [hours["id"]]
    for found in (
        gazu.person.get_week_time_spents(artist, 2031, 24),
        gazu.person.get_year_time_spents(artist, 2031),
        gazu.person.get_all_month_time_spents(artist["id"], date(2031, 6, 1)),
    ):
        assert show.task["id"] in str(found)
    assert gazu.person.get_presence_log(2031, 6).startswith("2031;1;2")
