"""Making the demo: its people say and do everything through the API, as they would."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError
from pegbar.demo import drawing, plan, story
from pegbar.demo.conversation import Voice
from pegbar.demo.pipeline import Pipeline
from pegbar.media.movies.encoding import ffmpeg

#: Requests under way at once.
_AT_ONCE = 4
#: How many shots move, and of how many retakes one is answered.
_MOVIES, _TALKED_ABOUT = 3, 2

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Entity:
    """An asset or shot of the demo."""

    id: str
    name: str
    kind: str  #: Asset or Shot
    place: int  #: among its kind
    about: str  #: the kind of asset, or the sequence
    scene: tuple[int, int] = (0, 0)  #: the sequence and shot as numbers


@dataclass
class Making:
    """The demo under way."""

    project_id: str
    pipeline: Pipeline
    voices: Mapping[story.Person, Voice]
    tell: Tell
    today: date = field(default_factory=lambda: utc_now().date())
    entities: list[Entity] = field(default_factory=list)
    previews: dict[str, str] = field(default_factory=dict)  #: the last one of each entity

    @property
    def manager(self) -> Voice:
        """Who makes and plans things."""
        return next(voice for member, voice in self.voices.items() if member.role == "manager")

    def of(self, role: str, side: str = "") -> list[Voice]:
        """The people of a role, on a side."""
        return [voice for member, voice in self.voices.items() if member.role == role and member.side == side]


async def make(making: Making) -> None:
    """Fill the production."""
    making.tell("Sequences, shots and assets")
    await _columns(making)
    await _shots(making)
    await _assets(making)
    await _casting(making)
    for side, steps in making.pipeline.task_types.items():
        for step, task_type in enumerate(steps):
            making.tell(f"{side}s: {task_type['name']}")
            await _tasks(making, side, step, task_type)
    making.tell("Schedule and playlists")
    await _schedule(making)
    await _playlists(making)
    await making.manager.upload(f"/pictures/thumbnails/projects/{making.project_id}", "poster.png", drawing.poster())


async def _each(jobs: Iterable[Awaitable[None]]) -> None:
    """Do things a few at a time; the first failure ends all."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(job: Awaitable[None]) -> None:
        async with turns:
            await job

    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


# What there is


async def _columns(making: Making) -> None:
    path = f"/data/projects/{making.project_id}/metadata-descriptors"
    weather = {"entity_type": "Shot", "name": "Weather", "data_type": "list", "choices": sorted(set(story.WEATHER))}
    hero = {"entity_type": "Asset", "name": "Hero", "data_type": "boolean", "choices": []}
    for column in (weather, hero):
        await making.manager.ask("POST", path, {"for_client": False, "departments": [], **column})


async def _shots(making: Making) -> None:
    root, place = f"/data/projects/{making.project_id}", 0
    first_frame = 1001
    for number, (name, description, count) in enumerate(story.SEQUENCES):
        body = {"name": name, "description": description}
        sequence = await making.manager.ask("POST", f"{root}/sequences", body)
        for shot in range(count):
            frames = 48 + (place * 17) % 72
            row = await making.manager.ask(
                "POST",
                f"{root}/shots",
                {
                    "name": f"SH{(shot + 1) * 10:04}",
                    "sequence_id": sequence["id"],
                    "nb_frames": frames,
                    "description": story.ACTIONS[(place + number) % len(story.ACTIONS)].format(
                        place=story.PLACES[number]
                    ),
                    "data": {
                        "frame_in": str(first_frame),
                        "frame_out": str(first_frame + frames - 1),
                        "fps": "24",
                        "weather": story.WEATHER[number],
                    },
                },
            )
            making.entities.append(Entity(row["id"], row["name"], "Shot", place, name, (number, shot)))
            place += 1


async def _assets(making: Making) -> None:
    types = {row["name"].lower(): row for row in making.pipeline.asset_types}
    place = 0
    for kind, names in story.ASSETS.items():
        for name in names:
            asset_type = (
                types.get(kind.lower()) or making.pipeline.asset_types[place % len(making.pipeline.asset_types)]
            )
            path = f"/data/projects/{making.project_id}/asset-types/{asset_type['id']}/assets/new"
            body = {"name": name, "description": f"{kind} of the short.", "data": {"hero": place in (0, 2, 6)}}
            row = await making.manager.ask("POST", path, body)
            making.entities.append(Entity(row["id"], row["name"], "Asset", place, kind))
            place += 1


async def _casting(making: Making) -> None:
    by_name = {entity.name: entity for entity in making.entities if entity.kind == "Asset"}
    props = [entity for entity in by_name.values() if entity.about == "Prop"]
    sets = [by_name[name] for name in story.ASSETS["Environment"]]
    effects = [by_name[name] for name in story.ASSETS["FX"]]
    others = [by_name[name] for name in story.ASSETS["Character"][1:]]

    async def cast(shot: Entity) -> None:
        sequence, number = shot.scene
        parts = {by_name["Wren"].id: 1, by_name["Tin Kite"].id: 1, sets[sequence % len(sets)].id: 1}
        parts[props[(shot.place * 5) % len(props)].id] = 1 + shot.place % 3
        if number % 3 == 0:
            parts[others[shot.place % len(others)].id] = 1
        if sequence in (3, 4):
            parts[effects[number % len(effects)].id] = 1
        body = [{"asset_id": asset_id, "nb_occurences": count, "label": "animate"} for asset_id, count in parts.items()]
        await making.manager.ask("PUT", f"/data/projects/{making.project_id}/entities/{shot.id}/casting", body)

    await _each(cast(entity) for entity in making.entities if entity.kind == "Shot")


# What is done


async def _tasks(making: Making, side: str, step: int, task_type: Mapping[str, Any]) -> None:
    """The tasks of a step of the pipeline, with all that was said and done on them."""
    entities = {entity.id: entity for entity in making.entities if entity.kind == side}
    create = f"/actions/projects/{making.project_id}/task-types/{task_type['id']}/{side.lower()}s/create-tasks"
    rows = await making.manager.ask("POST", create, list(entities))
    artists = making.of("user", side) + (making.of("vendor", side) if step == len(_steps(making, side)) - 1 else [])
    mine: dict[str, tuple[Voice, list[str]]] = {}
    doers: dict[str, Voice] = {}
    for row in rows:
        place = entities[row["entity_id"]].place
        artist = artists[(place // 4 + step) % len(artists)]
        mine.setdefault(artist.id, (artist, []))[1].append(row["id"])
        doers[row["id"]] = artist
    for artist, task_ids in mine.values():
        await making.manager.ask("PUT", f"/actions/persons/{artist.id}/assign", {"task_ids": task_ids})

    async def live(row: Mapping[str, Any]) -> None:
        entity = entities[row["entity_id"]]
        steps = len(_steps(making, side))
        stage = plan.stage_of(entity.place, len(entities), step, steps)
        work = plan.work_of(stage, entity.place, len(entities), step, steps, making.today)
        await _Life(making, entity, row["id"], doers[row["id"]], work, step, task_type["name"]).run()

    await _each(live(row) for row in rows)


def _steps(making: Making, side: str) -> Sequence[Mapping[str, Any]]:
    return making.pipeline.task_types[side]


@dataclass(frozen=True)
class _Life:
    """What happens on one task."""

    making: Making
    entity: Entity
    task_id: str
    artist: Voice
    work: plan.Work
    step: int
    task_type: str

    async def run(self) -> None:
        manager, work = self.making.manager, self.work
        planned = {"start_date": str(work.start), "due_date": str(work.due), "estimation": work.estimation}
        await manager.ask("PUT", f"/data/tasks/{self.task_id}", {**planned, "difficulty": 2 + self.entity.place % 3})
        if (
            work.stage == "ready"
            and self.making.pipeline.statuses["ready"] is not self.making.pipeline.statuses["todo"]
        ):
            await self._say(plan.Step("ready", utc_now(), "supervisor"), 0)
        for number, step in enumerate(work.steps):
            comment = await self._say(step, number)
            if step.stage == "review" and not any(later.stage == "review" for later in work.steps[number + 1 :]):
                await self._publish(comment["id"])
            if step.stage == "retake" and self.entity.place % _TALKED_ABOUT == 1:
                await self._answer(comment["id"])
        for day, minutes in work.minutes:
            path = f"/actions/tasks/{self.task_id}/time-spents/{day}/persons/{self.artist.id}"
            await self.artist.ask("POST", path, {"duration": minutes})

    async def _say(self, step: plan.Step, number: int) -> Any:
        """A comment, entered by the manager for whoever said it then: only managers may give it another time."""
        supervisors = self.making.of("supervisor", self.entity.kind)
        author = self.artist if step.by == "artist" else supervisors[self.entity.place % len(supervisors)]
        words, checks = self._words(step, number)
        return await self.making.manager.ask(
            "POST",
            f"/actions/tasks/{self.task_id}/comment",
            {
                "task_status_id": self.making.pipeline.statuses[step.stage]["id"],
                "comment": words,
                "checklist": [{"text": check, "checked": self.work.stage == "done"} for check in checks],
                "person_id": author.id,
                "created_at": step.at.strftime("%Y-%m-%d %H:%M:%S"),
            },
        )

    def _words(self, step: plan.Step, number: int) -> tuple[str, Sequence[str]]:
        place = self.entity.place + self.step
        if step.stage == "retake":
            return story.FINDINGS[place % len(story.FINDINGS)]
        later = number > 2
        spoken = {
            "wip": story.STARTS,
            "ready": ("Everything it needs is there.",),
            "review": story.SECOND_TAKES if later else story.DELIVERIES,
            "done": story.APPROVALS,
        }[step.stage]
        return spoken[place % len(spoken)], ()

    async def _answer(self, comment_id: str) -> None:
        path = f"/data/tasks/{self.task_id}/comments/{comment_id}"
        reply = story.REPLIES[self.entity.place % len(story.REPLIES)]
        await self.artist.ask("POST", f"{path}/reply", {"text": reply})
        supervisor = self.making.of("supervisor", self.entity.kind)[0]
        await supervisor.ask("POST", f"{path}/ack")

    async def _publish(self, comment_id: str) -> None:
        """A picture of the first step; a movie of the first shots' third step."""
        entity = self.entity
        moves = entity.kind == "Shot" and self.step == 2 and entity.place < _MOVIES
        if self.step > 0 and not moves:
            return
        title = entity.name if entity.kind == "Asset" else f"{entity.about} {entity.name}"
        if moves:
            program = _program()
            if program is None:
                return
            name, content = (
                "take.mp4",
                await asyncio.to_thread(drawing.shot_movie, program, *entity.scene, title, self.task_type),
            )
        elif entity.kind == "Shot":
            name, content = "panel.png", drawing.shot_picture(*entity.scene, title, self.task_type)
        else:
            name, content = "asset.png", drawing.asset_picture(entity.place, entity.about, title, self.task_type)
        add = f"/actions/tasks/{self.task_id}/comments/{comment_id}/add-preview"
        preview = await self.artist.ask("POST", add, {})
        await self.artist.upload(f"/pictures/preview-files/{preview['id']}", name, content)
        self.making.previews[entity.id] = preview["id"]


def _program() -> str | None:
    """The ffmpeg that draws movies; None where no movie could be taken in either."""
    try:
        return ffmpeg()
    except ApiError:
        return None


# What is planned and looked at


async def _schedule(making: Making) -> None:
    root, today = f"/data/projects/{making.project_id}", making.today
    first, last = today - timedelta(days=plan.BEHIND), today + timedelta(days=plan.AHEAD)
    bars = await making.manager.ask("GET", f"{root}/schedule-items/task-types")
    order = [row["id"] for rows in making.pipeline.task_types.values() for row in rows]
    for bar in bars:
        place = order.index(bar["task_type_id"]) / len(order)
        start = plan.weekday(first + (last - first) * (place * 0.6))
        end = plan.weekday(start + (last - first) * 0.45)
        body = {"start_date": str(start), "end_date": str(min(end, last)), "man_days": 30}
        await making.manager.ask("PUT", f"/data/schedule-items/{bar['id']}", body)
    task_type = making.pipeline.task_types["Shot"][0]
    for name, days in (("Story locked", -49), ("First cut", 7), ("Delivery", plan.AHEAD - 1)):
        await making.manager.ask(
            "POST",
            "/data/milestones",
            {
                "project_id": making.project_id,
                "task_type_id": task_type["id"],
                "name": name,
                "date": str(plan.weekday(today + timedelta(days=days))),
            },
        )


async def _playlists(making: Making) -> None:
    shown = [entity for entity in making.entities if entity.kind == "Shot" and entity.id in making.previews]
    supervisor = making.of("supervisor", "Shot")[0]
    weekly = await _playlist(making, supervisor, "Weekly review", shown[:12], for_client=False)
    await _playlist(making, making.manager, "For the client: opening", shown[:6], for_client=True)
    (client,) = making.of("client")
    for place, entry in enumerate(weekly["shots"][:3]):
        tasks = await client.ask("GET", f"/data/shots/{entry['entity_id']}/tasks")
        task = min(tasks, key=lambda row: row["created_at"])
        status = {"task_status_id": task["task_status_id"], "comment": story.FROM_CLIENT[place]}
        await client.ask("POST", f"/actions/tasks/{task['id']}/comment", status)


async def _playlist(
    making: Making, author: Voice, name: str, entities: Sequence[Entity], *, for_client: bool
) -> dict[str, Any]:
    shots = [{"entity_id": entity.id, "preview_file_id": making.previews[entity.id]} for entity in entities]
    body = {"project_id": making.project_id, "name": name, "for_entity": "shot", "for_client": for_client}
    row: dict[str, Any] = await author.ask("POST", "/data/playlists", {**body, "shots": shots})
    return row
