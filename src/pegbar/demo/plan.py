"""How far each task of the demo is, and when what happened: pure, and the same at every run of a day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

#: How far a task is, from nothing to done; statuses of a studio are found by it.
Stage = Literal["todo", "ready", "wip", "review", "retake", "done"]
_UNDER_WAY: tuple[Stage, ...] = ("review", "wip", "retake")
#: Days before and after today that the production takes.
BEHIND, AHEAD = 84, 35
_HOUR = 60


@dataclass(frozen=True)
class Step:
    """Something that is said on a task, which takes it to a stage."""

    stage: Stage
    at: datetime
    by: Literal["artist", "supervisor"]


@dataclass(frozen=True)
class Work:
    """A task: its days, what was said when, and the minutes that were spent on it."""

    stage: Stage
    start: date
    due: date
    estimation: int
    steps: tuple[Step, ...]
    minutes: tuple[tuple[date, int], ...]


def stage_of(place: int, number: int, step: int, steps: int) -> Stage:
    """How far the task of a step of the pipeline is, for the n-th of so many entities: the first are the furthest."""
    reach = _reach(place, number, steps)
    if step < int(reach):
        return "done"
    if step == int(reach):
        return _UNDER_WAY[place % len(_UNDER_WAY)]
    return "ready" if step == int(reach) + 1 and place % 2 == 0 else "todo"


def _reach(place: int, number: int, steps: int) -> float:
    """How many steps of the pipeline the n-th of so many entities has behind it, or could have."""
    return (1.25 - place / number) * steps


def weekday(day: date) -> date:
    """The day, or the Friday before a weekend."""
    return day - timedelta(days=max(day.weekday() - 4, 0))


def work_of(stage: Stage, place: int, number: int, step: int, steps: int, today: date) -> Work:
    """The task of a step of the pipeline, for the n-th of so many entities."""
    if stage in ("todo", "ready"):
        offset = 3 + (step * 5 + place) % (AHEAD - 10)
    elif stage == "done":
        begun = 0.4 * BEHIND * place / number
        offset = int(begun + (BEHIND - 9 - begun) * (step + 1) / (_reach(place, number, steps) + 1)) - BEHIND
    else:
        offset = -8 + place % 4
    start = weekday(today + timedelta(days=offset))
    due = weekday(start + timedelta(days=4 + place % 3))
    days = 2 + place % 3
    steps_said = tuple(_steps(stage, place, start, today))
    worked = [] if not steps_said else [day for day in _weekdays(start, days) if day < today]
    minutes = tuple((day, (4 + (place + index) % 5) * _HOUR) for index, day in enumerate(worked))
    return Work(stage, start, due, days * 8 * _HOUR, steps_said, minutes)


def _steps(stage: Stage, place: int, start: date, today: date) -> Iterator[Step]:
    if stage in ("todo", "ready"):
        return
    says: list[tuple[Stage, Literal["artist", "supervisor"]]] = [("wip", "artist")]
    if stage != "wip":
        says.append(("review", "artist"))
    if stage == "retake" or (stage == "done" and place % 4 == 1):
        says.append(("retake", "supervisor"))
    if stage == "done":
        if place % 4 == 1:
            says.append(("review", "artist"))
        says.append(("done", "supervisor"))
    for index, (reached, by) in enumerate(says):
        day = weekday(start + timedelta(days=index))
        moment = datetime.combine(day, time(9 + (2 * index) % 9, 7 * place % 60, 11))
        # Weekends push steps onto one Friday: later ones stay later. Nothing is said tomorrow.
        latest = datetime.combine(today, time(0, 1)) - timedelta(minutes=len(says) - index)
        yield Step(reached, min(moment + timedelta(hours=index), latest), by)


def _weekdays(start: date, number: int) -> Sequence[date]:
    days: list[date] = []
    day = start
    while len(days) < number:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days
