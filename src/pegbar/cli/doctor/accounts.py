"""Accounts: administrators, their passwords, and the providers that people sign in with."""

import asyncio
from typing import Any

from pegbar.cli.doctor.checks import PATIENCE, Findings, Visit, check, fault, note, skip, warning

AREA = "Accounts"
#: Passwords that are known of this software and others: at most these times _MOST_ADMINS hashes are made.
_KNOWN_PASSWORDS = ("mysecretpassword", "password", "admin")
_MOST_ADMINS = 3


@check("Administrators", about="whether there are some, with passwords of their own", area=AREA, needs_database=True)
def administrators(visit: Visit) -> Findings:
    """There are, and none has a password that everybody knows."""
    import bcrypt

    rows = visit.rows(
        """
        SELECT email, password FROM person
         WHERE role = 'admin' AND active AND is_bot IS NOT TRUE ORDER BY created_at LIMIT 100
        """
    )
    if not rows:
        yield fault("Nobody is an administrator.", mend="pegbar user create EMAIL --role admin")
        return
    usual = visit.settings.admin_password
    for row in [row for row in rows if row["password"]][:_MOST_ADMINS]:
        stored = bytes(row["password"])
        for password in _KNOWN_PASSWORDS:
            try:
                known = bcrypt.checkpw(password.encode(), stored)
            except ValueError:  # an unusable hash
                break
            if known:
                yield fault(
                    f"{row['email']} has the password {password!r}, which everybody tries.",
                    mend=f"pegbar user reset-password {row['email']}",
                )
                break
    if usual in _KNOWN_PASSWORDS:
        yield warning(
            "PEGBAR_ADMIN_PASSWORD is one that everybody tries.",
            mend="Set another, or unset it: the first administrator has one already",
        )
    if len(rows) > 20:
        yield warning(
            f"{len(rows)} people are administrators: each may do everything.", mend="Give most of them the role manager"
        )
    yield note(f"{len(rows)} {'is' if len(rows) == 1 else 'are'} active.")


@check("Second factors", about="whether administrators need more than a password", area=AREA, needs_database=True)
def second_factors(visit: Visit) -> Findings:
    """All have one, or it is enforced."""
    if visit.settings.enforce_2fa:
        yield note("Enforced for everybody (ENFORCE_2FA).")
        return
    row = visit.rows(
        """
        SELECT count(*) AS admins,
               count(*) FILTER (WHERE totp_enabled OR email_otp_enabled OR fido_enabled) AS secured
          FROM person WHERE role = 'admin' AND active AND is_bot IS NOT TRUE
        """
    )[0]
    yield note(f"{row['secured']} of {row['admins']} administrators have one (ENFORCE_2FA=true asks it of everybody).")


@check("Sign-in limits", about="whether guessing passwords is slowed down", area=AREA)
def limits(visit: Visit) -> Findings:
    """Passwords are hashed at cost and guesses counted."""
    if not visit.settings.login_rate_limit:
        yield warning("Addresses may guess as often as they like.", mend="Unset PEGBAR_LOGIN_RATE_LIMIT")
    if visit.settings.bcrypt_log_rounds < 10:
        yield warning(
            f"Passwords are hashed with {visit.settings.bcrypt_log_rounds} rounds: a stolen database is guessed.",
            mend="Unset BCRYPT_LOG_ROUNDS (12)",
        )
    if visit.settings.debug:
        yield warning("DEBUG is on: errors show their stack to whoever causes them.", mend="Unset DEBUG")
    if visit.settings.auth_strategy == "auth_local_no_password":
        yield fault("Everybody signs in without a password.", mend="Unset AUTH_STRATEGY")


@check("Single sign-on", about="whether providers and directories answer", area=AREA)
def providers(visit: Visit) -> Findings:
    """Each does."""
    from pegbar.accounts.sign_on.providers import sign_on
    from pegbar.environment import InvalidSetting

    try:
        rows = list(sign_on())
    except InvalidSetting as error:
        yield fault(
            str(error), mend=f"Correct it in the environment or {visit.settings.sign_on_path}; pegbar sso check"
        )
        return
    if not rows:
        yield skip("None is set up.")
    for row in rows[:10]:
        problem = asyncio.run(_problem(row))
        if problem:
            yield fault(f"{row.title}: {problem}", mend=f"pegbar sso test {row.name} tells more")
        else:
            yield note(f"{row.title} answers.")


async def _problem(provider: Any) -> str:
    """What keeps people from signing in with it; nobody's entries are read."""
    from pegbar.cli.sso import steps_of

    try:
        async with asyncio.timeout(2 * PATIENCE):
            async for step in steps_of(provider):
                if step.failure:
                    return f"{step.title}: {step.failure}"
                if step.title == "Account that reads":
                    break
    except TimeoutError:
        return f"it did not answer in {2 * PATIENCE:.0f} s."
    return ""


@check("SAML", about="what SAML needs on this machine", area=AREA)
def saml(visit: Visit) -> Findings:
    """pysaml2 and xmlsec1, where a provider speaks it."""
    from pegbar.accounts.sign_on.providers import sign_on
    from pegbar.accounts.sign_on.saml.service import missing
    from pegbar.environment import InvalidSetting

    try:
        wanted = bool(sign_on().saml)
    except InvalidSetting:
        wanted = True
    if not wanted:
        yield skip("No provider speaks it.")
    elif lack := missing():
        what, _, how = lack.partition(": ")
        yield fault(f"{what}.", mend=how)
