"""Signing in with Gazu, the Python client of Kitsu."""

from datetime import UTC, datetime, timedelta

import gazu
import jwt
import pytest
from gazu.exception import AuthFailedException, NotAuthenticatedException

from tests.accounts.people import PASSWORD, artist, is_in, log_in
from tests.accounts.test_second_factors import code_of, with_totp
from tests.client import Client
from tests.server import Server


@pytest.fixture
def client(server: Server) -> gazu.client.KitsuClient:
    return gazu.client.create_client(server.api)


def test_gazu_signs_in_and_out(admin: Client, client: gazu.client.KitsuClient) -> None:
    _, email = artist(admin)
    with pytest.raises(AuthFailedException, match="wrong"):
        gazu.log_in(email, "wrong one", client=client)
    gazu.log_in(email, PASSWORD, client=client)
    assert gazu.client.get_current_user(client=client)["email"] == email
    gazu.log_out(client=client)
    with pytest.raises(NotAuthenticatedException):
        gazu.client.get("auth/authenticated", client=client)


def test_gazu_refreshes_an_expired_token(server: Server, admin: Client, client: gazu.client.KitsuClient) -> None:
    _, email = artist(admin)
    opened = log_in(admin, email).json()
    key = (server.folder / "secret.key").read_text()
    claims = jwt.decode(opened["access_token"], key, algorithms=["HS256"])
    past = datetime.now(UTC) - timedelta(seconds=5)
    expired = jwt.encode(claims | {"exp": int(past.timestamp())}, key, algorithm="HS256")
    answer = Client(server.api, expired).get("/auth/authenticated")
    assert (answer.status_code, answer.json()) == (
        401,
        {"error": True, "message": "Signature has expired", "data": None},
    )
    client.access_token, client.refresh_token = expired, opened["refresh_token"]
    client.use_refresh_token = True
    assert gazu.client.get_current_user(client=client)["email"] == email
    assert is_in(Client(server.api, client.access_token))


def test_gazu_signs_in_with_a_second_factor(admin: Client, client: gazu.client.KitsuClient) -> None:
    _, email, secret, codes = with_totp(admin)
    with pytest.raises(AuthFailedException, match="second factor is needed"):
        gazu.log_in(email, PASSWORD, client=client)
    gazu.log_in(email, PASSWORD, totp=code_of(secret), client=client)
    gazu.log_in(email, PASSWORD, recovery_code=codes[0], client=client)
    assert gazu.client.get_current_user(client=client)["email"] == email
