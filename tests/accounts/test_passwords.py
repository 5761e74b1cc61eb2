"""Passwords: changed, given, lost; and the mails about them."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.accounts.mailbox import Mailbox, html_of, text_of
from tests.accounts.people import PASSWORD, artist, is_in, log_in, signed_in, stored
from tests.client import Client
from tests.factories import hire
from tests.server import Server

NEW = "changed now"


def link_in(text: str) -> dict[str, str]:
    """The query of the link in a mail."""
    match = re.search(r"https://kitsu\.studio\.example/reset-change-password\?[^\s)]+", text)
    assert match, text
    return {name: values[0] for name, values in parse_qs(urlsplit(match[0]).query).items()}


def reset(client: Client, email: str, token: str, password: str = NEW, again: str = "") -> int:
    body = {"email": email, "token": token, "password": password, "password2": again or password}
    return client.put("/auth/reset-password", body).status_code


def test_changing_ones_password_ends_the_other_sessions(admin: Client) -> None:
    _, email = artist(admin)
    here, elsewhere = signed_in(admin, email), log_in(admin, email).json()
    change = {"old_password": PASSWORD, "password": NEW, "password_2": NEW}
    assert here.post("/auth/change-password", change | {"old_password": "wrong"}).json()["error"] is True
    assert here.post("/auth/change-password", change | {"password": "short", "password_2": "short"}).status_code == 400
    assert here.post("/auth/change-password", change | {"password_2": "other"}).status_code == 400
    assert here.ok_post("/auth/change-password", change) == {"success": True}
    assert is_in(here)
    assert not is_in(Client(admin.api, elsewhere["access_token"]))
    assert Client(admin.api, elsewhere["refresh_token"]).get("/auth/refresh-token").status_code == 401
    assert log_in(admin, email).status_code == 400
    after = signed_in(admin, email, NEW)
    assert is_in(after)
    assert is_in(here)


def test_a_session_made_right_after_a_change_lives(admin: Client) -> None:
    person_id, email = artist(admin)
    before = signed_in(admin, email)
    for password in ("first password", "second password", "third password"):
        path = f"/actions/persons/{person_id}/change-password"
        admin.ok_post(path, {"password": password, "password_2": password})
        after = signed_in(admin, email, password)
        assert is_in(after)
        assert not is_in(before)
        before = after


def test_an_administrator_gives_a_password(admin: Client) -> None:
    person_id, email = artist(admin)
    path = f"/actions/persons/{person_id}/change-password"
    assert admin.ok_post(path, {"password": NEW, "password_2": NEW}) == {"success": True}
    mine = signed_in(admin, email, NEW)
    assert mine.post(path, {"password": NEW, "password_2": NEW}).status_code == 403
    unequal = admin.post(path, {"password": NEW, "password_2": "other"})
    assert (unequal.status_code, unequal.json()["data"]["errors"][0]["field"]) == (400, "")
    assert admin.post(path, {"password": "short", "password_2": "short"}).status_code == 400
    assert admin.post(path, {"password": 12345678}).status_code == 400
    bot = hire(admin)
    for target, status in ((bot.id, 403), ("00000000-0000-0000-0000-000000000000", 404), ("nobody", 404)):
        for method, route in (
            ("POST", "change-password"),
            ("POST", "reset-password-link"),
            ("GET", "invite"),
            ("DELETE", "disable-two-factor-authentication"),
        ):
            body = {"password": NEW, "password_2": NEW}
            answer = admin.call(method, f"/actions/persons/{target}/{route}", json=body)
            assert answer.status_code == status, (route, answer.text)


def test_administrators_keep_their_passwords_to_themselves(admin: Client) -> None:
    person_id, email = artist(admin, role="admin")
    body = {"password": NEW, "password_2": NEW}
    for route in ("change-password", "reset-password-link"):
        refused = admin.post(f"/actions/persons/{person_id}/{route}", body)
        assert refused.status_code == 400
        assert refused.json()["error"] is True
    assert is_in(signed_in(admin, email))


def test_protected_accounts_keep_their_passwords_to_themselves(mailing_admin: Client) -> None:
    row = mailing_admin.ok_post(
        "/data/persons", {"first_name": "The", "last_name": "Boss", "email": "boss@studio.example"}
    )
    body = {"password": NEW, "password_2": NEW}
    for route in ("change-password", "reset-password-link"):
        refused = mailing_admin.post(f"/actions/persons/{row['id']}/{route}", body)
        assert refused.status_code == 400, route
        assert "protected" in refused.json()["message"]


def test_the_default_password_only_leads_to_a_new_one(admin: Client) -> None:
    login = "ida.default"
    _, email = artist(admin, password="default", desktop_login=login)
    for identifier in (email, login):
        refused = log_in(admin, identifier, "default")
        assert refused.status_code == 400
        body = refused.json()
        assert (body["login"], body["default_password"], len(body["token"])) == (False, True, 64)
    assert log_in(admin, login, "default").json().keys() >= {"token"}
    token = Client(admin.api).post("/auth/login", {"email": login}).json()["token"]
    assert reset(admin, login, token) == 200
    assert signed_in(admin, email, NEW)


def test_a_link_that_an_administrator_passes_on_works_once(mailing_admin: Client, mailing: Server) -> None:
    person_id, email = artist(mailing_admin)
    before = signed_in(mailing_admin, email)
    path = f"/actions/persons/{person_id}/reset-password-link"
    first = link_in(mailing_admin.ok_post(path)["reset_password_link"])
    link = link_in(mailing_admin.ok_post(path)["reset_password_link"])
    anonymous = Client(mailing.api)
    wrong = {"email": email, "token": "x", "password": NEW, "password2": NEW}
    assert "Wrong or expired token" in anonymous.put("/auth/reset-password", wrong).json()["message"]
    assert reset(anonymous, email, link["token"], "short") == 400
    assert reset(anonymous, email, link["token"], NEW, "other words") == 400
    assert reset(anonymous, f"no.{email}", link["token"]) == 400
    assert reset(anonymous, email.upper(), link["token"]) == 200
    assert reset(anonymous, email, link["token"]) == 400
    assert reset(anonymous, email, first["token"]) == 400, "a used link ends the others"
    assert not is_in(before)
    assert is_in(signed_in(mailing_admin, email, NEW))
    rows = stored(mailing, "SELECT data::text FROM pegbar.one_time_secret")
    assert not any(first["token"] in data or link["token"] in data for (data,) in rows)


def test_a_second_link_leaves_the_first_one_good(mailing: Server, mailing_admin: Client, mailbox: Mailbox) -> None:
    person_id, email = artist(mailing_admin)
    path = f"/actions/persons/{person_id}/reset-password-link"
    anonymous = Client(mailing.api)
    links = [link_in(mailing_admin.ok_post(path)["reset_password_link"]) for _ in range(3)]
    assert reset(anonymous, email, links[0]["token"]) == 200
    assert [reset(anonymous, email, link["token"]) for link in links] == [400] * 3
    links = [link_in(mailing_admin.ok_post(path)["reset_password_link"]) for _ in range(2)]
    change = {"old_password": NEW, "password": PASSWORD, "password_2": PASSWORD}
    signed_in(mailing_admin, email, NEW).ok_post("/auth/change-password", change)
    mailbox.next(email)
    assert [reset(anonymous, email, link["token"]) for link in links] == [400] * 2


def test_six_links_are_one_too_many(mailing: Server, mailing_admin: Client) -> None:
    person_id, email = artist(mailing_admin)
    path = f"/actions/persons/{person_id}/reset-password-link"
    links = [link_in(mailing_admin.ok_post(path)["reset_password_link"]) for _ in range(6)]
    rows = stored(mailing, "SELECT count(*) FROM pegbar.one_time_secret WHERE subject = %s", person_id)
    assert rows == [(5,)]
    assert [reset(Client(mailing.api), email, link["token"]) for link in (links[0], links[1])] == [400, 200]


def test_a_lost_password_is_replaced_by_mail(mailing: Server, mailing_admin: Client, mailbox: Mailbox) -> None:
    _, email = artist(mailing_admin, first_name="<b>Ida</b>", locale="fr_CA", timezone="Asia/Tokyo")
    anonymous = Client(mailing.api)
    before = signed_in(mailing_admin, email)
    assert anonymous.ok_post("/auth/reset-password", {"email": f"no.{email}"}) == {"success": "Reset token sent"}
    headers = {"X-Real-IP": "192.0.2.9"}
    assert anonymous.ok_post("/auth/reset-password", {"email": email}, headers=headers) == {
        "success": "Reset token sent"
    }
    mail = mailbox.next(email)
    assert str(mail["From"]) == "Kitsu Bot <no-reply@your-studio.com>"
    assert mail["Subject"].endswith(" - Récupération du mot de passe")
    text, html = text_of(mail), html_of(mail)
    assert "Bonjour <b>Ida</b>," in text
    assert "Bonjour &lt;b&gt;Ida&lt;/b&gt;," in html
    assert "192.0.2.9" in text
    link = link_in(text)
    assert link["email"] == email
    assert reset(anonymous, email, link["token"]) == 200
    assert not is_in(before)
    assert is_in(signed_in(mailing_admin, email, NEW))
    assert link["token"] not in mailing.text()
    assert not any(
        link["token"] in args for (args,) in stored(mailing, "SELECT args::text FROM pegbar.procrastinate_jobs")
    )


def test_an_invitation_outlives_other_links_until_one_is_used(
    mailing: Server, mailing_admin: Client, mailbox: Mailbox
) -> None:
    person_id, email = artist(mailing_admin, locale="de")
    answer = mailing_admin.ok_get(f"/actions/persons/{person_id}/invite")
    assert answer == {"success": True, "message": "Email sent"}
    mail = mailbox.next(email)
    assert "lädt Sie zu Kitsu ein" in mail["Subject"]
    invitation = link_in(text_of(mail))
    assert invitation["type"] == "new"
    passed_on = link_in(
        mailing_admin.ok_post(f"/actions/persons/{person_id}/reset-password-link")["reset_password_link"]
    )
    assert passed_on["token"] != invitation["token"]
    assert reset(Client(mailing.api), email, invitation["token"]) == 200
    assert reset(Client(mailing.api), email, passed_on["token"]) == 400


@pytest.mark.parametrize(
    ("locale", "words"),
    [("ja_JP", "パスワードが変更されました"), ("xx", "Password changed"), (None, "Password changed")],
)
def test_changes_are_told_in_the_language_of_the_person(
    mailing_admin: Client, mailbox: Mailbox, mailing: Server, locale: str | None, words: str
) -> None:
    person_id, email = artist(mailing_admin)
    with_locale = "UPDATE person SET locale = %s WHERE id = %s RETURNING id"
    stored(mailing, with_locale, locale, person_id)
    mailing_admin.ok_post(f"/actions/persons/{person_id}/change-password", {"password": NEW, "password_2": NEW})
    assert words in mailbox.next(email)["Subject"]
    change = {"old_password": NEW, "password": PASSWORD, "password_2": PASSWORD}
    signed_in(mailing_admin, email, NEW).ok_post("/auth/change-password", change)
    assert words in mailbox.next(email)["Subject"]


def test_a_refused_recipient_is_logged_and_holds_up_nobody(
    mailing: Server, mailing_admin: Client, mailbox: Mailbox
) -> None:
    row = mailing_admin.ok_post(
        "/data/persons", {"first_name": "No", "last_name": "One", "email": "refused@studio.example"}
    )
    _, email = artist(mailing_admin)
    anonymous = Client(mailing.api)
    mailing_admin.ok_get(f"/actions/persons/{row['id']}/invite")
    anonymous.ok_post("/auth/reset-password", {"email": email})
    mailbox.next(email)
    mailing.wait_for_text("a mail was refused")


def test_a_mail_that_fails_is_tried_again(mailing: Server, mailing_admin: Client, mailbox: Mailbox) -> None:
    _, email = artist(mailing_admin, email="busy@studio.example")
    Client(mailing.api).ok_post("/auth/reset-password", {"email": email})
    link = link_in(text_of(mailbox.next("busy@studio.example")))
    assert reset(Client(mailing.api), "busy@studio.example", link["token"]) == 200


def test_without_a_mail_server_the_mail_is_in_the_log_and_not_in_the_answer(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    answer = admin.post("/auth/reset-password", {"email": email})
    assert "token=" not in answer.text
    server.wait_for_text(f"email={email.replace('@', '%40')}&token=")
