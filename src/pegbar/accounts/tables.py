"""Tables of people."""

from sqlalchemy import ARRAY, Index, LargeBinary, SmallInteger, UniqueConstraint, text

from pegbar.config import settings
from pegbar.core.data.schema import (
    JSONB,
    TIMESTAMP,
    Column,
    Date,
    Integer,
    String,
    Text,
    Uuid,
    choice,
    flag,
    link_table,
    names,
    own_table,
    reference,
    table,
    unrecorded,
)

CONTRACT_TYPES = ("open-ended", "fixed-term", "short-term", "freelance", "apprentice", "internship")
SECOND_FACTORS = ("totp", "email_otp", "fido")
ROLES = ("user", "admin", "supervisor", "manager", "client", "vendor")
POSITIONS = ("supervisor", "lead", "artist")
SENIORITIES = ("senior", "mid", "junior")
LOGIN_ORIGINS = ("web", "script")

person = table(
    "person",
    Column("first_name", String(80), nullable=False),
    Column("last_name", String(80), nullable=False),
    Column("email", String(255)),
    Column("phone", String(30)),
    choice("contract_type", CONTRACT_TYPES, default="open-ended", server_default="open-ended", nullable=False),
    flag("active", True),
    flag("archived"),
    Column("last_presence", Date, info=unrecorded()),
    Column("password", LargeBinary, info=unrecorded()),
    Column("desktop_login", String(80)),
    Column("login_failed_attemps", Integer, default=0, info=unrecorded()),
    Column("last_login_failed", TIMESTAMP, info=unrecorded()),
    flag("totp_enabled"),
    Column("totp_secret", String(32), info=unrecorded()),
    flag("email_otp_enabled"),
    Column("email_otp_secret", String(32), info=unrecorded()),
    flag("fido_enabled"),
    Column("fido_credentials", ARRAY(JSONB), info=unrecorded()),
    Column("otp_recovery_codes", ARRAY(LargeBinary), info=unrecorded()),
    choice("preferred_two_factor_authentication", SECOND_FACTORS),
    Column("shotgun_id", Integer, unique=True),
    Column("timezone", String(50), default=lambda: settings().default_timezone),
    Column("locale", String(10), default=lambda: settings().default_locale),
    Column("data", JSONB),
    choice("role", ROLES, default="user", nullable=False),
    choice("position", POSITIONS, default="artist"),
    choice("seniority", SENIORITIES, default="mid"),
    Column("daily_salary", Integer, default=0),
    flag("has_avatar"),
    flag("notifications_enabled"),
    flag("notifications_slack_enabled"),
    Column("notifications_slack_userid", String(60), default=""),
    flag("notifications_mattermost_enabled"),
    Column("notifications_mattermost_userid", String(60), default=""),
    flag("notifications_discord_enabled"),
    Column("notifications_discord_userid", String(60), default=""),
    flag("is_bot", nullable=False, in_database=True),
    Column("jti", String(60), unique=True, info=unrecorded()),
    Column("expiration_date", Date),
    reference("studio", goes="refuse"),
    flag("is_generated_from_ldap"),
    Column("ldap_uid", String(60), unique=True),
    flag("is_guest", nullable=False, in_database=True),
    Column("country", String(2)),
    flag("use_12_hour_clock"),
    Column("display_date_format", String(20), default="YYYY-MM-DD"),
    Column("oidc_issuer", Text, info=unrecorded()),
    Column("oidc_subject", String(255), info=unrecorded()),
    Column("saml_issuer", Text, info=unrecorded()),
    Column("saml_subject", String(255), info=unrecorded()),
    reference("project", "preview_project_id", unique=True, visits=True, goes="hook"),
    Column("preview_opened_at", TIMESTAMP),
    Column("preview_open_until", TIMESTAMP),
    UniqueConstraint("oidc_issuer", "oidc_subject", name="person_oidc_identity_uc"),
    UniqueConstraint("saml_issuer", "saml_subject", name="person_saml_identity_uc"),
    Index("only_one_email_by_person", "email", "is_bot", unique=True, postgresql_where=text("(is_bot IS NOT TRUE)")),
    holds_files=True,
    history="all",
)

department = table(
    "department",
    Column("name", String(80), nullable=False, unique=True),
    Column("color", String(7), nullable=False),
    flag("archived"),
    history="all",
)

department_link = link_table(
    "department_link",
    reference("person", primary_key=True, goes="with"),
    reference("department", primary_key=True, goes="refuse"),
    UniqueConstraint("person_id", "department_id", name="department_link_uc"),
    history="all",
)

desktop_login_log = table(
    "desktop_login_log",
    reference("person", nullable=False, goes="with"),
    Column("date", TIMESTAMP, nullable=False),
    history="none",
)

login_log = table(
    "login_log",
    reference("person", nullable=False, goes="with"),
    Column("ip_address", String(50)),
    choice("origin", LOGIN_ORIGINS),
    history="none",
)

# Pegbar's own.

#: Tokens ended before their time, kept until they would have expired anyway.
revoked_token = own_table(
    "revoked_token",
    Column("jti", String(60), primary_key=True),
    Column("expires_at", TIMESTAMP, nullable=False, index=True),
)

#: Tokens of a person issued before this moment are over (password changed, second factor removed, deactivated), but
#: those of the session that asked for it, which `kept` names by the jti of its refresh token.
session_floor = own_table(
    "session_floor",
    Column("person_id", Uuid, primary_key=True, info=names("person", goes="with")),
    Column("not_before", TIMESTAMP, nullable=False),
    Column("kept", String(60)),
)

#: Codes, challenges and reset tokens: used once, for a while. `subject` is whom or what the secret is for; secrets of
#: one kind that are good beside one another have a slot each.
one_time_secret = own_table(
    "one_time_secret",
    Column("kind", String(30), primary_key=True),
    Column("subject", String(200), primary_key=True, info=names("person", goes="hook")),
    Column("data", JSONB, nullable=False, info=names("person", goes="hook")),
    Column("expires_at", TIMESTAMP, nullable=False, index=True),
    Column("slot", String(64), primary_key=True, server_default=""),
)

#: Wrong guesses at a secret, whether somebody has it or not. `place` is a keyed hash of what was guessed at and from
#: where (accounts/guesses.py); there are 4 million places.
failed_guess = own_table(
    "failed_guess",
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("failures", SmallInteger, nullable=False),
    Column("locks", SmallInteger, nullable=False),
    Column("locked_until", TIMESTAMP),
    Column("last_failed", TIMESTAMP, nullable=False, index=True),
)

#: Addresses, as keyed hashes, that a person signed in from.
known_address = own_table(
    "known_address",
    Column("person_id", Uuid, primary_key=True, info=names("person", goes="with")),
    Column("address", String(64), primary_key=True),
    Column("seen_at", TIMESTAMP, nullable=False, index=True),
)

#: Failed attempts by address and minute.
failed_attempt = own_table(
    "failed_attempt",
    Column("address", String(60), primary_key=True),
    Column("minute", TIMESTAMP, primary_key=True),
    Column("attempts", Integer, nullable=False),
)
