"""The JSON of a person, by viewer. Source: spec accounts, "Person JSON shapes"; spec crud, "persons"."""

from babel import Locale, UnknownLocaleError
from sqlalchemy import Text, case, func

from pegbar.accounts.tables import department_link, person
from pegbar.core.data.changes import Relation
from pegbar.core.data.wire import wire_of, word

#: Columns of secrets and identities, served to nobody.
HIDDEN = frozenset(
    {
        "password",
        "totp_secret",
        "email_otp_secret",
        "otp_recovery_codes",
        "fido_credentials",
        "jti",
        "login_failed_attemps",
        "last_login_failed",
        "oidc_issuer",
        "oidc_subject",
        "saml_issuer",
        "saml_subject",
    }
)

DEPARTMENTS = Relation("departments", department_link.c.person_id, department_link.c.department_id)

#: First and last name with one space, or the only one there is.
FULL_NAME = func.concat_ws(
    " ", func.nullif(person.c.first_name, ""), func.nullif(person.c.last_name, ""), type_=Text
).label("full_name")


def _served_locale() -> dict[str, str]:
    """Locales that are served under their canonical name (`zh_CN` as `zh_Hans_CN`)."""
    names = {}
    for name in ("zh_CN", "zh_SG", "zh_TW", "zh_HK", "zh_MO", "sr_RS", "sr_ME", "pa_IN", "pa_PK", "uz_UZ", "az_AZ"):
        try:
            names[name] = str(Locale.parse(name))
        except (UnknownLocaleError, ValueError):
            continue
    return {name: canonical for name, canonical in names.items() if canonical != name}


LOCALE = case(
    *[(person.c.locale == word(name), word(canonical)) for name, canonical in _served_locale().items()],
    else_=person.c.locale,
)

#: Everything but secrets.
SAFE = wire_of(person, "Person", without=HIDDEN).but(locale=LOCALE, full_name=FULL_NAME)
SAFE_WITH_DEPARTMENTS = SAFE.but(departments=DEPARTMENTS.ids(person))
#: What colleagues see.
MINIMAL = SAFE.only(
    "id",
    "type",
    "first_name",
    "last_name",
    "full_name",
    "has_avatar",
    "active",
    "studio_id",
    "role",
    "desktop_login",
    "is_bot",
)
#: What clients see.
CLIENT = SAFE.only("id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "role", "is_bot")
#: Authors of comments and news.
SHORT = SAFE.only("id", "first_name", "last_name", "full_name", "has_avatar", "role")
