"""Signing in, refreshing and signing out."""

from tests.client import Client, sign_in, unique
from tests.server import Server


def artist(admin: Client, role: str = "user", **more: object) -> tuple[str, str]:
    """The id and e-mail of somebody with the password `longenough`."""
    email = f"{unique('ida').replace(' ', '.')}@example.com"
    row = admin.ok_post(
        "/data/persons", {"first_name": "Ida", "last_name": "Lup", "role": role, "email": email, **more}
    )
    admin.ok_post(
        f"/actions/persons/{row['id']}/change-password", {"password": "longenough", "password_2": "longenough"}
    )
    return row["id"], email


def test_an_artist_signs_in_refreshes_and_signs_out(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    body = Client(server.api).ok_post("/auth/login", {"email": email.upper(), "password": "longenough"})
    ida, renewing = Client(server.api, body["access_token"]), Client(server.api, body["refresh_token"])
    account = ida.ok_get("/auth/authenticated")["user"]
    assert account["email"] == email
    assert account["fido_devices"] == []
    second = Client(server.api, renewing.ok_get("/auth/refresh-token")["access_token"])
    second.ok_get("/auth/authenticated")
    assert ida.get("/auth/refresh-token").status_code == 422
    assert renewing.get("/auth/authenticated").status_code == 422
    assert ida.ok_get("/auth/logout") == {"logout": True}
    for ended in (ida.get("/auth/authenticated"), renewing.get("/auth/refresh-token"), ida.get("/auth/logout")):
        assert (ended.status_code, ended.json()) == (401, {"msg": "Token has been revoked"})


def test_access_tokens_made_by_refreshing_end_with_their_session(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    body = Client(server.api).ok_post("/auth/login", {"email": email, "password": "longenough"})
    renewed = Client(server.api, body["refresh_token"]).ok_get("/auth/refresh-token")["access_token"]
    Client(server.api, body["access_token"]).ok_get("/auth/logout")
    assert Client(server.api, renewed).get("/auth/authenticated").status_code == 401


def test_a_password_that_an_administrator_sets_ends_the_sessions_of_its_owner(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    before = sign_in(server.api, email, "longenough")
    path = f"/actions/persons/{person_id}/change-password"
    admin.ok_post(path, {"password": "changed now", "password_2": "changed now"})
    after = sign_in(server.api, email, "changed now")
    assert before.get("/auth/authenticated").status_code == 401
    after.ok_get("/auth/authenticated")
    assert after.post(path, {"password": "changed now", "password_2": "changed now"}).status_code == 403
    wrong = admin.post(path, {"password": "changed now", "password_2": "changed then"})
    assert wrong.status_code == 400
    assert wrong.json()["data"]["errors"][0]["field"] == ""
    assert admin.post(path, {"password": "short", "password_2": "short"}).status_code == 400
