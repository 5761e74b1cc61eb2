"""Reads about accounts."""

from sqlalchemy import Text, cast, func, or_, select

from pegbar.accounts.shapes import SAFE_WITH_DEPARTMENTS
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import JSONB
from pegbar.core.data.wire import json_list, json_object, wire_of
from pegbar.studio.tables import organisation

_CHAT_TOKENS = frozenset({"chat_token_slack", "chat_webhook_mattermost", "chat_token_discord"})
ORGANISATION_FOR_ADMINS = wire_of(organisation, "Organisation")
ORGANISATION = wire_of(organisation, "Organisation", without=_CHAT_TOKENS)

#: The organisation, as administrators and as everybody else see it. There is one; the oldest if there are more.
organisation_for_admins = select(json_object(ORGANISATION_FOR_ADMINS)).order_by(organisation.c.created_at).limit(1)
organisation_for_all = select(json_object(ORGANISATION)).order_by(organisation.c.created_at).limit(1)

#: A person's own record.
own_record = select(json_object(SAFE_WITH_DEPARTMENTS)).select_from(person).where(person.c.id == param("person_id"))

_devices = func.jsonb_array_elements(func.to_jsonb(person.c.fido_credentials)).table_valued("value", name="device")
_device_name = cast(_devices.c.value, JSONB)["device_name"].astext
_device_names = json_list(select(_device_name).select_from(_devices).where(person.c.fido_enabled).correlate(person))
#: The same with the names of their security keys.
own_account = (
    select(json_object(SAFE_WITH_DEPARTMENTS.but(fido_devices=_device_names)))
    .select_from(person)
    .where(person.c.id == param("person_id"))
)

person_by_id = select(person).where(person.c.id == param("person_id"))

_identifier = param("identifier", Text)

#: The human whom an e-mail address (any case) or a desktop login names; the address first. Guests never sign in.
person_to_sign_in = (
    select(person)
    .where(person.c.is_bot.is_not(True), person.c.is_guest.is_not(True))
    .where(
        or_(
            func.lower(person.c.email) == func.lower(_identifier),
            (person.c.desktop_login == _identifier) & (_identifier != ""),
        )
    )
    .order_by(
        (func.lower(person.c.email) == func.lower(_identifier)).desc().nulls_last(), person.c.created_at, person.c.id
    )
    .limit(1)
)
