"""Second factors: authenticator, codes by e-mail, security keys, recovery codes."""

import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyotp
import pytest

from tests.accounts.mailbox import Mailbox, text_of
from tests.accounts.people import PASSWORD, artist, is_in, log_in, signed_in, stored
from tests.accounts.security_key import SecurityKey
from tests.client import Client
from tests.server import Server

ORIGIN = "https://kitsu.studio.example"


def code_of(secret: str, steps: int = 0) -> str:
    """The code of an authenticator, some steps of its clock from now."""
    return pyotp.TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


def with_totp(admin: Client) -> tuple[Client, str, str, list[str]]:
    """Somebody with an authenticator: a session, the e-mail, the secret and the recovery codes.

    The code of the step before was used to enable it, so that those of this step and the next are fresh.
    """
    _, email = artist(admin)
    ida = signed_in(admin, email)
    secret = ida.ok_put("/auth/totp")["otp_secret"]
    done = ida.ok_post("/auth/totp", {"totp": code_of(secret, -1)})
    return Client(admin.api, done["access_token"]), email, secret, done["otp_recovery_codes"]


def test_an_authenticator_is_set_up_and_asked_for(admin: Client) -> None:
    person_id, email = artist(admin)
    ida = signed_in(admin, email)
    begun = ida.ok_put("/auth/totp")
    assert re.fullmatch("[A-Z2-7]{32}", begun["otp_secret"])
    name = begun["totp_provisionning_uri"].removeprefix("otpauth://totp/Kitsu%20")
    assert email.replace("@", "%40") in name
    wrong = ida.post("/auth/totp", {"totp": "000000x"})
    assert (wrong.status_code, wrong.json()["wrong_OTP"]) == (400, True)
    assert log_in(admin, email).status_code == 200
    done = ida.ok_post("/auth/totp", {"totp": code_of(begun["otp_secret"], -1)})
    assert len(set(done["otp_recovery_codes"])) == 16
    assert all(re.fullmatch("[A-Z0-9]{10}", code) for code in done["otp_recovery_codes"])
    assert is_in(Client(admin.api, done["access_token"]))
    for again in (ida.put("/auth/totp"), ida.post("/auth/totp", {"totp": "1"})):
        assert again.status_code == 400
    missing = log_in(admin, email)
    assert missing.status_code == 400
    assert missing.json() | {"message": ""} == {
        "error": True,
        "login": False,
        "missing_OTP": True,
        "message": "",
        "data": None,
        "preferred_two_factor_authentication": "totp",
        "two_factor_authentication_enabled": ["recovery_code", "totp"],
    }
    wrong = log_in(admin, email, totp="000000x")
    assert (wrong.status_code, wrong.json()["wrong_OTP"], wrong.json()["login"]) == (400, True, False)
    assert log_in(admin, email, totp=code_of(begun["otp_secret"])).status_code == 200
    row = admin.ok_get(f"/data/persons/{person_id}")
    assert (row["totp_enabled"], row["preferred_two_factor_authentication"]) == (True, "totp")
    assert "totp_secret" not in row


def test_a_code_of_the_authenticator_works_once(admin: Client) -> None:
    _, email, secret, _ = with_totp(admin)
    code = code_of(secret)
    assert log_in(admin, email, totp=code).status_code == 200
    assert log_in(admin, email, totp=code).json()["wrong_OTP"] is True


def test_the_first_code_of_a_new_secret_works_right_after_the_old_one_was_turned_off(admin: Client) -> None:
    ida, email, secret, codes = with_totp(admin)
    assert log_in(admin, email, totp=code_of(secret, 1)).status_code == 200
    ida.ok_delete("/auth/totp", json={"recovery_code": codes[0]})
    renewed = ida.ok_put("/auth/totp")["otp_secret"]
    first = code_of(renewed)
    ida.ok_post("/auth/totp", {"totp": first})
    assert log_in(admin, email, totp=first).json()["wrong_OTP"] is True
    assert log_in(admin, email, totp=code_of(renewed, 1)).status_code == 200


def test_one_code_sent_many_times_at_once_signs_in_once(admin: Client) -> None:
    _, email, secret, _ = with_totp(admin)
    code = code_of(secret)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: log_in(admin, email, totp=code).status_code, range(4)))
    assert sorted(answers) == [200, 400, 400, 400]


def test_a_missing_code_is_no_failure_and_wrong_ones_lock(admin: Client) -> None:
    _, email, secret, _ = with_totp(admin)
    for _ in range(6):
        assert log_in(admin, email).json()["missing_OTP"] is True
    for _ in range(5):
        assert log_in(admin, email, totp="123").json()["wrong_OTP"] is True
    assert log_in(admin, email, totp=code_of(secret)).json()["too_many_failed_login_attemps"] is True


def test_recovery_codes_work_once_and_are_renewed(admin: Client) -> None:
    ida, email, _, codes = with_totp(admin)
    assert log_in(admin, email, recovery_code=codes[0].lower()).status_code == 200
    assert log_in(admin, email, recovery_code=codes[0]).json()["wrong_OTP"] is True
    assert ida.put("/auth/recovery-codes", {}).json()["wrong_OTP"] is True
    renewed = ida.ok_put("/auth/recovery-codes", {"recovery_code": codes[1]})["otp_recovery_codes"]
    assert len(renewed) == 16
    assert log_in(admin, email, recovery_code=codes[2]).json()["wrong_OTP"] is True
    assert log_in(admin, email, recovery_code=renewed[0]).status_code == 200


def test_recovery_codes_of_an_existing_database_work(server: Server, admin: Client) -> None:
    import bcrypt

    ida, email, _, _ = with_totp(admin)
    hashes = [bcrypt.hashpw(code, bcrypt.gensalt(4)) for code in (b"AAAAAAAAA1", b"AAAAAAAAA2")]
    person_id = ida.ok_get("/auth/authenticated")["user"]["id"]
    stored(server, "UPDATE person SET otp_recovery_codes = %s WHERE id = %s RETURNING 1", hashes, person_id)
    assert log_in(admin, email, recovery_code="AAAAAAAAA2").status_code == 200
    assert log_in(admin, email, recovery_code="AAAAAAAAA2").status_code == 400


def test_turning_a_factor_off_needs_a_proof_and_ends_other_sessions(admin: Client) -> None:
    ida, email, secret, codes = with_totp(admin)
    other = signed_in(admin, email, totp=code_of(secret))
    for proof in ({}, {"totp": "123"}, {"recovery_code": "nothing"}):
        refused = ida.delete("/auth/totp", json=proof)
        assert (refused.status_code, refused.json()["wrong_OTP"]) == (400, True)
    ida.ok_delete("/auth/totp", json={"recovery_code": codes[0]})
    assert is_in(ida)
    assert not is_in(other)
    off = ida.delete("/auth/totp", json={"recovery_code": codes[1]})
    assert off.status_code == 400
    assert "wrong_OTP" not in off.json()
    assert ida.put("/auth/recovery-codes", {"recovery_code": codes[1]}).status_code == 400
    account = signed_in(admin, email).person
    assert (account["totp_enabled"], account["preferred_two_factor_authentication"]) == (False, None)


def test_wrong_proofs_of_a_signed_in_person_lock_too(admin: Client) -> None:
    ida, _, _, codes = with_totp(admin)
    for _ in range(5):
        ida.delete("/auth/totp", json={"totp": "123"})
    locked = ida.delete("/auth/totp", json={"recovery_code": codes[0]})
    assert (locked.status_code, locked.json()["too_many_failed_login_attemps"]) == (400, True)


def mailed_code(mailbox: Mailbox, email: str) -> str:
    match = re.search(r"\b\d{6}\b", text_of(mailbox.next(email)))
    assert match
    return match[0]


def test_codes_by_e_mail(mailing: Server, mailing_admin: Client, mailbox: Mailbox) -> None:
    _, email = artist(mailing_admin)
    ida, anonymous = signed_in(mailing_admin, email), Client(mailing.api)
    ask = {"params": {"email": email}}
    assert anonymous.ok_get("/auth/email-otp", **ask) == {"success": True}
    assert ida.ok_put("/auth/email-otp") == {"success": True}
    code = mailed_code(mailbox, email)
    assert ida.post("/auth/email-otp", {"email_otp": "x" + code}).json()["wrong_OTP"] is True
    done = ida.ok_post("/auth/email-otp", {"email_otp": code})
    assert len(done["otp_recovery_codes"]) == 16
    assert log_in(mailing_admin, email, email_otp=code).json()["wrong_OTP"] is True
    anonymous.ok_get("/auth/email-otp", **ask)
    first = mailed_code(mailbox, email)
    anonymous.ok_get("/auth/email-otp", **ask)
    second = mailed_code(mailbox, email)
    if first != second:
        assert log_in(mailing_admin, email, email_otp=first).json()["wrong_OTP"] is True
    assert log_in(mailing_admin, email, email_otp=second).status_code == 200
    assert log_in(mailing_admin, email, email_otp=second).json()["wrong_OTP"] is True
    assert second not in mailing.text()
    ida.ok_delete("/auth/email-otp", json={"recovery_code": done["otp_recovery_codes"][0]})
    assert log_in(mailing_admin, email).status_code == 200
    assert anonymous.ok_get("/auth/email-otp", params={"email": ""}) == {"success": True}
    assert anonymous.get("/auth/email-otp").status_code == 400
    assert mailbox.is_empty()


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(value: Any) -> Any:
    """A WebAuthn answer as browsers send it: binary values in base64url."""
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).rstrip(b"=").decode()
    if isinstance(value, dict):
        return {key: _plain(_bytes(v.decode()) if key == "id" else v) for key, v in value.items()}
    return value


def make_key(ida: Client, name: str, origin: str = ORIGIN) -> tuple[SecurityKey, Any]:
    """A security key registered with a name, and the answer."""
    options = ida.ok_put("/auth/fido")
    user = options["user"] | {"id": _bytes(options["user"]["id"])}
    device = SecurityKey()
    options_in_bytes = options | {"challenge": _bytes(options["challenge"]), "user": user}
    credential = _plain(device.create({"publicKey": options_in_bytes}, origin))
    return device, ida.post("/auth/fido", {"registration_response": credential, "device_name": name})


def assertion(client: Client, email: str, device: SecurityKey, origin: str = ORIGIN) -> Any:
    """What the key answers to a sign-in's challenge."""
    options = client.ok_get("/auth/fido", params={"email": email})
    assert all(credential["type"] == "public-key" for credential in options["allowCredentials"])
    return _plain(device.get({"publicKey": options | {"challenge": _bytes(options["challenge"])}}, origin))


def test_security_keys(mailing: Server, mailing_admin: Client) -> None:
    person_id, email = artist(mailing_admin)
    ida, anonymous = signed_in(mailing_admin, email), Client(mailing.api)
    for unknown in (email, f"no.{email}"):
        refused = anonymous.get("/auth/fido", params={"email": unknown})
        assert (refused.status_code, refused.json()) == (
            400,
            {"error": True, "message": "FIDO not enabled.", "data": None},
        )
    options = ida.ok_put("/auth/fido")
    assert options["rp"] == {"name": "Kitsu", "id": "kitsu.studio.example"}
    assert _bytes(options["user"]["id"]).decode() == person_id
    device, answer = make_key(ida, "red key")
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["otp_recovery_codes"]) == 16
    assert ida.ok_get("/auth/authenticated")["user"]["fido_devices"] == ["red key"]
    signed = assertion(anonymous, email, device)
    assert log_in(mailing_admin, email, fido_authentication_response=signed).status_code == 200
    assert log_in(mailing_admin, email, fido_authentication_response=signed).json()["wrong_OTP"] is True
    for wrong in (
        assertion(anonymous, email, device, "https://evil.example"),
        {"id": "x"},
        signed | {"response": {"clientDataJSON": "e30"}},
    ):
        assert log_in(mailing_admin, email, fido_authentication_response=wrong).json()["wrong_OTP"] is True
    signed = assertion(anonymous, email, device)
    assert log_in(mailing_admin, email, fido_authentication_response=signed).status_code == 200
    second, answer = make_key(ida, "blue key")
    assert answer.json()["otp_recovery_codes"] is None
    proof = {"fido_authentication_response": assertion(anonymous, email, second)}
    ida.ok_delete("/auth/fido", json={"device_name": "red key", **proof})
    assert ida.ok_get("/auth/authenticated")["user"]["fido_devices"] == ["blue key"]
    stale = assertion(anonymous, email, device)
    assert log_in(mailing_admin, email, fido_authentication_response=stale).json()["wrong_OTP"] is True
    proof = {"fido_authentication_response": assertion(anonymous, email, second)}
    ida.ok_delete("/auth/fido", json={"device_name": "blue key", **proof})
    account = signed_in(mailing_admin, email).person
    assert (account["fido_enabled"], account["preferred_two_factor_authentication"]) == (False, None)


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"id": "a", "rawId": "a", "type": "public-key", "response": {}},
        {"id": 1, "rawId": None, "type": "x", "response": {"clientDataJSON": 5}},
        {"response": {"clientDataJSON": "e30"}},
        {"response": {"clientDataJSON": "W10"}},
        {"response": {"clientDataJSON": "é\ud800"}},
    ],
)
def test_a_malformed_registration_is_a_400(admin: Client, response: dict[str, Any]) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    answer = ida.post("/auth/fido", {"registration_response": response, "device_name": "key"})
    assert answer.status_code == 400, answer.text


def test_a_registration_challenge_works_once_and_for_its_owner(mailing_admin: Client) -> None:
    people = [signed_in(mailing_admin, artist(mailing_admin)[1]) for _ in range(2)]
    options = people[0].ok_put("/auth/fido")
    options_in_bytes = options | {
        "challenge": _bytes(options["challenge"]),
        "user": options["user"] | {"id": _bytes(options["user"]["id"])},
    }
    credential = _plain(SecurityKey().create({"publicKey": options_in_bytes}, ORIGIN))
    body = {"registration_response": credential, "device_name": "key"}
    assert people[1].post("/auth/fido", body).status_code == 400
    assert people[0].post("/auth/fido", body).status_code == 400
    _, answer = make_key(people[0], "key", "https://evil.example")
    assert answer.status_code == 400


def test_the_preferred_factor_falls_back(mailing_admin: Client, mailbox: Mailbox) -> None:
    _, email = artist(mailing_admin)
    ida = signed_in(mailing_admin, email)
    ida.ok_put("/auth/email-otp")
    codes = ida.ok_post("/auth/email-otp", {"email_otp": mailed_code(mailbox, email)})["otp_recovery_codes"]
    secret = ida.ok_put("/auth/totp")["otp_secret"]
    assert ida.ok_post("/auth/totp", {"totp": code_of(secret, -1)})["otp_recovery_codes"] is None
    _, answer = make_key(ida, "key")
    assert answer.status_code == 200
    refusal = log_in(mailing_admin, email).json()
    assert refusal["preferred_two_factor_authentication"] == "email_otp"
    assert refusal["two_factor_authentication_enabled"] == ["recovery_code", "totp", "email_otp", "fido"]
    for factor, preferred in (("email-otp", "fido"), ("fido", "totp")):
        ida.ok_delete(f"/auth/{factor}", json={"recovery_code": codes.pop(), "device_name": "key"})
        assert log_in(mailing_admin, email).json()["preferred_two_factor_authentication"] == preferred


def test_an_administrator_disables_the_factors_of_somebody(
    mailing: Server, mailing_admin: Client, mailbox: Mailbox
) -> None:
    ida, email, _, _ = with_totp(mailing_admin)
    person_id = ida.ok_get("/auth/authenticated")["user"]["id"]
    path = f"/actions/persons/{person_id}/disable-two-factor-authentication"
    assert ida.delete(path).status_code == 403
    answer = mailing_admin.delete(path, headers={"X-Real-IP": "192.0.2.44"})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    mail = mailbox.next(email)
    assert "Two-factor authentication disabled" in mail["Subject"]
    assert "192.0.2.44" in text_of(mail)
    assert not is_in(ida)
    assert log_in(mailing_admin, email).status_code == 200
    assert mailing_admin.delete(path).status_code == 400
    boss, _, _, _ = with_totp(mailing_admin)
    boss_id = boss.ok_get("/auth/authenticated")["user"]["id"]
    mailing_admin.ok_put(f"/data/persons/{boss_id}", {"role": "admin"})
    path = f"/actions/persons/{boss_id}/disable-two-factor-authentication"
    assert mailing_admin.delete(path).status_code == 400


def test_changing_a_password_needs_no_second_factor(admin: Client) -> None:
    ida, email, secret, _ = with_totp(admin)
    change = {"old_password": PASSWORD, "password": "changed now", "password_2": "changed now"}
    assert ida.ok_post("/auth/change-password", change) == {"success": True}
    assert log_in(admin, email, "changed now", totp=code_of(secret)).status_code == 200
