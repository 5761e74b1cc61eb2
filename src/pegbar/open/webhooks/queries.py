"""Reads of webhooks and of what they deliver."""

from functools import cache

from sqlalchemy import Executable, Integer, Text, or_, select

from pegbar.accounts.standing import CALLER, as_text, is_going, somebody_written, teams, written
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import BigInteger
from pegbar.core.data.wire import json_object
from pegbar.core.http.access import Caller
from pegbar.open.webhooks.shapes import DELIVERY, DELIVERY_WHOLE, WEBHOOK
from pegbar.open.webhooks.tables import webhook, webhook_delivery

_MANAGED = as_text(teams(somebody_written("p"), "manager"))
#: Whether the owner of a webhook (`w`, joined to its person `p`) may still have what it delivers: they are a studio
#: manager, or manage its production, which is there.
STANDS = f"""(
    p.active IS NOT FALSE AND NOT {as_text(is_going(written("w.project_id")))}
    AND (p.role = 'admin' OR w.project_id IN {_MANAGED}))"""

#: The productions that the caller manages.
managed = teams(CALLER, "manager")
manages = sql(f"SELECT :project_id IN {_MANAGED} FROM person p WHERE p.id = :caller_id")  # noqa: S608


@cache
def _listed(*, everything: bool, of_project: bool) -> Executable:
    statement = select(json_object(WEBHOOK)).order_by(webhook.c.created_at, webhook.c.id)
    if not everything:
        statement = statement.where(webhook.c.project_id.in_(managed))
    if of_project:
        statement = statement.where(webhook.c.project_id == param("project_id"))
    return statement


def webhooks(caller: Caller, *, of_project: bool) -> Executable:
    """The webhooks that the caller manages, all or those of a production."""
    return _listed(everything=caller.is_admin, of_project=of_project)


one = select(json_object(WEBHOOK)).where(webhook.c.id == param("webhook_id"))
number_of = sql("SELECT count(*) FROM pegbar.webhook w WHERE w.project_id IS NOT DISTINCT FROM :project_id")

_of_webhook = webhook_delivery.c.webhook_id == param("webhook_id")
_status, _event, _before = param("status", Text), param("event", Text), param("before", BigInteger)
deliveries = (
    select(json_object(DELIVERY))
    .where(
        _of_webhook,
        or_(_status.is_(None), webhook_delivery.c.status == _status),
        or_(_event.is_(None), webhook_delivery.c.name == _event),
        or_(_before.is_(None), webhook_delivery.c.number < _before),
    )
    .order_by(webhook_delivery.c.number.desc())
    .limit(param("limit", Integer))
)
delivery = select(json_object(DELIVERY_WHOLE)).where(_of_webhook, webhook_delivery.c.id == param("delivery_id"))
