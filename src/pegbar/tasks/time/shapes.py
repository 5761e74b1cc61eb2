"""The JSON of time spents. Source: spec tasks, "Time spent"."""

from pegbar.core.data.wire import wire_of
from pegbar.tasks.tables import time_spent

TIME_SPENT = wire_of(time_spent, "TimeSpent")
