"""Events of hours. Source: spec events, "Specific events"."""

from pegbar.core.live.events import event

TIME_SPENT_NEW = event("time-spent:new", "time_spent_id")
TIME_SPENT_UPDATE = event("time-spent:update", "time_spent_id")
TIME_SPENT_DELETE = event("time-spent:delete", "time_spent_id")
