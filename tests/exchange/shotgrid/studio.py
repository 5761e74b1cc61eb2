"""A studio on a ShotGrid site: a production of 300 shots with all that hangs on it, and another one."""

from typing import Any

from tests.client import unique
from tests.exchange.shotgrid.fake_site import FakeSite, link
from tests.media.clips import moving
from tests.media.publishing import png

SEQUENCES, SHOTS_EACH = 10, 30
SHOTS = SEQUENCES * SHOTS_EACH


class Studio:
    """The site with its rows. Names and numbers are new each time: many studios come to the same server."""

    _next = 1_000

    def __init__(self, site: FakeSite, *, shots_each: int = SHOTS_EACH, media: bool = True) -> None:
        self.site = site
        Studio._next += 100_000
        self.first = Studio._next
        self.name = unique("Aurora ")
        self.project = link("Project", self.first, self.name)
        # A step's department is called by its first word.
        self.step_names = {"Model": "Asset", "Anm": "Shot", unique("Matte").replace(" ", "-"): "Shot"}
        self._declare()
        self._site_wide()
        self._story(shots_each)
        self._work()
        if media:
            self._talk()

    def id(self, number: int) -> int:
        """A number of a row, of this studio alone."""
        return self.first + number

    def _declare(self) -> None:
        self.site.declare(
            "Shot",
            sg_complexity=("Complexity", "list", ["Easy", "Hard"]),
            sg_omit_reason=("Omit Reason", "text", []),
            sg_is_hero=("Hero", "checkbox", []),
            sg_head=("Head", "number", []),
            sg_sequence=("Sequence", "entity", []),
            sg_cut_in=("Cut In", "number", []),
            sg_cut_out=("Cut Out", "number", []),
            sg_cut_duration=("Cut Duration", "number", []),
        )
        self.site.declare("Asset", sg_asset_type=("Type", "list", []), sg_rig_owner=("Rig Owner", "entity", []))
        self.site.declare("Task", sg_status_list=("Status", "status_list", ["wtg", "ip", "rev", "fin", "hldx"]))

    def _site_wide(self) -> None:
        add = self.site.add
        for number, (code, name) in enumerate(
            {
                "wtg": "Waiting to Start",
                "ip": "In Progress",
                "rev": "Pending Review",
                "fin": "Final",
                "hldx": "On Hold",
            }.items()
        ):
            add("Status", self.id(number), code=code, name=name, bg_color="10,20,30")
        add("Status", self.id(9), code="act", name="Active", bg_color=None)
        for number, (code, kind) in enumerate(self.step_names.items()):
            add("Step", self.id(number), code=code, short_name=code[:3], color="1,2,3", entity_type=kind)
        for number, (first, last) in enumerate({"Ada": "Byron", "Lin": "Chen", "Gone": "Away"}.items(), 1):
            add(
                "HumanUser",
                self.id(number),
                firstname=first,
                lastname=last,
                email=f"{first.lower()}.{self.first}@studio.example" if first != "Gone" else None,
                login=f"{first.lower()}{self.first}",
                sg_status_list="act",
                permission_rule_set=link("PermissionRuleSet", 1, "Manager" if first == "Ada" else "Artist"),
                department=link("Department", 1, "Aurora art") if first == "Lin" else None,
            )
        add("Group", self.id(1), users=[self.person(2)])
        add("Project", self.first, name=self.name, sg_status="Active", is_template=False)
        add("Project", self.id(1), name=unique("Other "), sg_status="Active", is_template=False)
        for number in (1, 2):
            add("ProjectUserConnection", self.id(number), project=self.project, user=self.person(number))

    def person(self, number: int) -> dict[str, Any]:
        return link("HumanUser", self.id(number), "Ada Byron")

    def _story(self, shots_each: int) -> None:
        add, project = self.site.add, self.project
        for number, (code, kind) in enumerate({"Ship": "Vehicle", "Mast": "Prop", "Captain": "Character"}.items(), 1):
            add(
                "Asset",
                self.id(number),
                code=code,
                description=f"The {code}",
                project=project,
                sg_asset_type=kind,
                sg_rig_owner=self.person(2) if code == "Captain" else None,
                assets=[link("Asset", self.id(2))] if code == "Ship" else [],
            )
        for sequence in range(SEQUENCES):
            add("Sequence", self.id(sequence), code=f"SQ{sequence:02}", description=None, project=project)
            for place in range(shots_each):
                number = sequence * shots_each + place
                add(
                    "Shot",
                    self.id(number),
                    code=f"SQ{sequence:02}_{place:03}",
                    description="A storm" if number == 0 else None,
                    project=project,
                    sg_sequence=link("Sequence", self.id(sequence)),
                    assets=[link("Asset", self.id(1)), link("Asset", self.id(3))] if number == 0 else [],
                    sg_cut_in=1001,
                    sg_cut_out=1050,
                    sg_cut_duration=50,
                    sg_complexity="Hard" if number == 0 else None,
                    sg_is_hero=number == 0,
                    sg_head=12.5 if number == 0 else None,
                    sg_omit_reason=None,
                )

    def _work(self) -> None:
        shots = len(self.site.rows["Shot"])
        for number in range(shots):
            self.task(number, link("Shot", self.id(number)), step=1, status="ip" if number else "rev", name="Anim")
        self.task(shots, link("Asset", self.id(1)), step=0, status="fin", name="Model")
        self.task(shots + 1, link("Shot", self.id(0)), step=2, status="hldx", name="Matte")

    def task(self, number: int, entity: dict[str, Any], *, step: int, status: str, name: str) -> None:
        self.site.add(
            "Task",
            self.id(number),
            content=name,
            step=link("Step", self.id(step)),
            project=self.project,
            entity=entity,
            start_date="2026-02-02",
            due_date="2026-02-20",
            est_in_mins=960,
            sg_sort_order=number % 100,
            sg_status_list=status,
            created_by=self.person(1),
            task_assignees=[self.person(1), link("Group", self.id(1))] if number == 0 else [],
        )

    def _talk(self) -> None:
        add, site = self.site.add, self.site
        self.movie, self.picture = moving("take.mov", length=0.5), png()
        anim, shot = link("Task", self.id(0)), link("Shot", self.id(0))
        for number, file in enumerate([site.file(f"take_{self.first}.mov", self.movie, "video/quicktime"), None], 1):
            add(
                "Version",
                self.id(number),
                code=f"anim_v{number:03}",
                description=f"Take {number}",
                user=self.person(2),
                sg_task=anim,
                entity=shot,
                project=self.project,
                sg_uploaded_movie=file,
                image=None if file else site.file(f"frame_{self.first}.png", self.picture, "image/png")["url"],
                created_at=f"2026-01-0{number}T08:00:00Z",
            )
        add(
            "Version",
            self.id(3),
            code="model_v001",
            description=None,
            user=link("ApiUser", self.id(1), "render_farm"),
            sg_task=None,
            entity=link("Asset", self.id(1)),
            project=self.project,
            sg_uploaded_movie=None,
            image=None,
            created_at="2026-01-03T08:00:00Z",
        )
        add(
            "Attachment",
            self.id(1),
            this_file=site.file(f"notes_{self.first}.pdf", b"%PDF-1.4 notes", "application/pdf"),
        )
        self.note(1, "Slower at the end", tasks=[anim], attachments=[link("Attachment", self.id(1))])
        self.note(2, "Nice", note_links=[link("Version", self.id(1))], user=link("HumanUser", self.id(77), "Old Hand"))
        self.note(3, "About the bidding", note_links=[link("Shot", self.id(0))])
        self.reply(1, 1, "Done", self.person(2))
        self.reply(2, 1, "Thanks", self.person(1))

    def note(self, number: int, content: str, **more: Any) -> None:
        row = {"tasks": [], "note_links": [], "attachments": [], "user": self.person(1), **more}
        self.site.add(
            "Note",
            self.id(number),
            subject="Note",
            content=content,
            project=self.project,
            created_at=f"2026-01-1{number}T09:00:00Z",
            **row,
        )

    def reply(self, number: int, note: int, content: str, user: dict[str, Any]) -> None:
        about = link("Note", self.id(note))
        at = f"2026-01-20T0{number}:00:00Z"
        self.site.add("Reply", self.id(number), content=content, user=user, entity=about, created_at=at)
