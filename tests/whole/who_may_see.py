"""Who may see what: the reviewed table that answers are held against.

Written from docs/permissions.md and the specifications, not from the code. A row of a production is seen by nobody
outside its team but studio managers. Every table needs a line: a new one fails until somebody says who sees it.
"""

from dataclasses import dataclass, field

from tests.whole.planted_shows import CLOSED, FOREIGN, ISOLATED, REMOVED, STONE, VIEWED, WOOD
from tests.whole.planting import STUDIO, Secret

#: In the team of the production, by the role there. `task`: with a task on the entity; `name`: the name. A line for
#: `table:label` beats that of the table; lines for columns, and for parts of a column, forbid besides.
IN_THE_TEAM = """
what                                  manager supervisor artist client vendor
api_event                                 yes         no     no     no     no
asset_instance                            yes        yes    yes    yes   task
attachment_file:internal                  yes        yes    yes     no   task
attachment_file:clients                   yes        yes    yes    yes   task
attachment_file:by a client               yes        yes     no    yes     no
attachment_file:apart                     yes        yes    yes     no     no
attachment_file:of a concept              yes        yes    yes     no     no
attachment_file:chat reached              yes        yes    yes    yes   task
attachment_file:chat apart                yes        yes    yes    yes     no
budget                                    yes         no     no     no     no
budget_entry                              yes         no     no     no     no
build_job                                 yes        yes    yes     no     no
build_job:clients                         yes        yes    yes    yes     no
chat                                      yes        yes    yes    yes   task
chat_message                              yes        yes    yes    yes   task
comment:internal                          yes        yes    yes     no   task
comment:clients                           yes        yes    yes    yes   task
comment:by a client                       yes        yes     no    yes     no
comment:apart                             yes        yes    yes     no     no
comment:of a concept                      yes        yes    yes     no     no
entity                                    yes        yes    yes    yes   task
entity:Concept                            yes        yes    yes     no     no
entity:ConceptFolder                      yes        yes    yes     no     no
entity:Episode                            yes        yes    yes    yes   name
entity:Sequence                           yes        yes    yes    yes   name
entity.data/open                          yes        yes    yes     no    yes
entity.data/clients                       yes        yes    yes    yes    yes
entity.data/department                    yes        yes    yes     no     no
entity_concept_link                       yes        yes    yes     no     no
entity_link                               yes        yes    yes    yes     no
entity_version                            yes        yes    yes    yes   task
entity_version.data/open                  yes        yes    yes     no    yes
entity_version.data/clients               yes        yes    yes    yes    yes
entity_version.data/department            yes        yes    yes     no     no
metadata_descriptor:open                  yes        yes    yes     no    yes
metadata_descriptor:clients               yes        yes    yes    yes    yes
metadata_descriptor:department            yes        yes    yes     no     no
milestone                                 yes        yes    yes     no     no
news                                      yes        yes    yes     no   task
notification                               no         no     no     no     no
output_file                               yes        yes    yes     no   task
playlist                                  yes        yes    yes     no     no
playlist:clients                          yes        yes    yes    yes     no
playlist_share_link                       yes         no     no     no     no
playlist_share_link.password               no         no     no     no     no
preview_file                              yes        yes    yes    yes   task
preview_file_storage_state                 no         no     no     no     no
production_schedule_version               yes        yes    yes     no     no
production_schedule_version_task_link     yes        yes    yes     no     no
project                                   yes        yes    yes    yes    yes
project_person_link                       yes        yes    yes    yes    yes
project_task_status_link                  yes        yes    yes    yes    yes
project_task_type_link                    yes        yes    yes    yes    yes
project_task_type_software_link           yes        yes    yes    yes    yes
schedule_item                             yes        yes    yes     no     no
search_filter:own                          no         no     no     no     no
search_filter:shared                      yes        yes    yes    yes    yes
search_filter_group:own                    no         no     no     no     no
search_filter_group:shared                yes        yes    yes    yes    yes
subscription                               no         no     no     no     no
task                                      yes        yes    yes    yes   task
task:Concept                              yes        yes    yes     no     no
task.done_date                            yes        yes    yes     no    yes
task.due_date                             yes        yes    yes     no    yes
task.duration                             yes        yes    yes     no    yes
task.end_date                             yes        yes    yes     no    yes
task.estimation                           yes        yes    yes     no    yes
task.last_comment_date                    yes        yes    yes     no    yes
task.nb_assets_ready                      yes        yes    yes     no    yes
task.nb_drawings                          yes        yes    yes     no    yes
task.real_start_date                      yes        yes    yes     no    yes
task.retake_count                         yes        yes    yes     no    yes
task.start_date                           yes        yes    yes     no    yes
time_spent                                yes        yes    yes     no     no
trash                                     yes         no     no     no     no
webhook                                   yes         no     no     no     no
webhook_delivery                          yes         no     no     no     no
working_file                              yes        yes    yes     no   task
"""

#: What belongs to no production, by the role in the studio.
IN_THE_STUDIO = """
what                                  manager supervisor artist client vendor
custom_action                             yes        yes    yes    yes    yes
data_import_error                          no         no     no     no     no
department                                yes        yes    yes    yes    yes
entity_type                               yes        yes    yes    yes    yes
file_status                               yes        yes    yes    yes    yes
hardware_item                              no         no     no     no     no
hardware_item_department_link              no         no     no     no     no
organisation                               no         no     no     no     no
output_type                               yes        yes    yes    yes    yes
plugin                                    yes        yes    yes    yes    yes
preview_background_file                   yes        yes    yes    yes    yes
project_template                          yes         no     no     no     no
project_template_task_status_link         yes         no     no     no     no
project_template_task_type_link           yes         no     no     no     no
salary_scale                               no         no     no     no     no
software                                  yes        yes    yes    yes    yes
software_department_link                   no         no     no     no     no
status_automation                         yes        yes    yes    yes     no
stored_file                                no         no     no     no     no
studio                                    yes        yes    yes    yes    yes
task_status                               yes        yes    yes    yes    yes
task_type                                 yes        yes    yes    yes    yes
trash                                      no         no     no     no     no
"""

EVERYBODY = {"manager", "supervisor", "user", "client", "vendor"}
#: What single routes, filters (`a filter of` a route) and events show besides: where, secrets, roles, and why.
MEANT = [
    (
        "/data/assets/{asset_id:uuid}/cast-in", "entity:Shot.name of *", {"vendor"},
        "spec entities: whoever works on an asset sees in which shots it appears",
    ),
    (
        "/data/projects/{project_id:uuid}/episodes/stats", "task*.nb_drawings of *", {"client"},
        "docs/permissions.md: clients see statistics where the production shows them",
    ),
    (
        "/data/persons/task-dates", "task*_date of [!r]*", {"manager", "supervisor"},
        "spec tasks: from when until when people are busy, not with what, for those who plan with them",
    ),
    (
        "/data/persons", "person*.[fld]*_[nlo]* of *", {"vendor"},
        "recording accounts_people: vendors list the names of everybody",
    ),
    (
        "a filter of /data/persons", "person*.[fld]*_[nlo]* of *", {"vendor"}, "as they list them",
    ),
    (
        "a filter of /data/persons", "person*.email of *", EVERYBODY,
        "docs/permissions.md: who knows a whole address or desktop login finds whose it is; scripts sign people in so",
    ),
    (
        "a filter of /data/persons", "person*.desktop_login of *", EVERYBODY, "as by the address",
    ),
    (
        "/data/assets/{asset_id:uuid}/cast-in", "entity:[SE]*.* of *", {"manager", "supervisor"},
        "recording entities_shared_assets: who leads the production of a shared asset sees what uses it",
    ),
    *(
        (route, "entity:[SE]*.id of *", EVERYBODY, "docs/permissions.md: a shared asset tells the ids of what uses it")
        for route in ("/data/assets/{asset_id:uuid}", "/data/entities", "/data/entities/{instance_id:str}")
    ),
    (
        "/data/projects/{project_id:uuid}/entity-links", "entity:*.id of *", {"manager"},
        "the production's own links: what is cast in it, by id",
    ),
    (
        "/data/asset-instances/{instance_id:str}", "entity:S*.id of *", EVERYBODY,
        "the asset's own instances: where they stand, by id",
    ),
    (
        "/data/user/notifications", "*.id of *", EVERYBODY,
        "the ids somebody who left was told while they were in the team",
    ),
    *(
        (f"/export/csv/{sheet}.csv", f"{secret} of [!r]*", {"manager"},
         "spec exchange: sheets of the studio hold all productions, unless PEGBAR_EXPORT_OWN_PRODUCTIONS is set")
        for sheet, secrets in (
            ("projects", ("project.name",)),
            ("tasks", ("project.name", "entity*.name", "task*_date", "task*.duration", "task*.estimation")),
            ("time-spents", ("project.name", "entity*.name", "time_spent*.duration")),
        )
        for secret in secrets
    ),
    *(
        (way, "project.id of *", EVERYBODY, "docs/permissions.md: that a production is made or changed, by its id")
        for way in ("the feed", "the sockets")
    ),
]  # fmt: skip

#: Of people: what is a colleague's, what is for those who manage a team of theirs; the rest is nobody's.
NAMES = {"first_name", "last_name"}
WORKPLACE = NAMES | {"desktop_login"}
PERSONAL = {
    "daily_salary", "data", "email", "last_presence", "ldap_uid", "notifications_discord_userid",
    "notifications_mattermost_userid", "notifications_slack_userid", "phone", "shotgun_id",
}  # fmt: skip
#: Production managers get these of everybody, as they pick people.
IMPERSONAL = {"email", "shotgun_id"}
#: Not even studio managers are answered these.
NOBODYS = {
    ("person", column)
    for column in (
        "password", "totp_secret", "email_otp_secret", "jti", "login_failed_attemps", "last_login_failed",
        "oidc_issuer", "oidc_subject", "saml_issuer", "saml_subject",
    )
} | {("playlist_share_link", "password")}  # fmt: skip

#: The labels of rows that hang on the asset on which outsiders have a task.
REACHED = {"reached", "beside", "internal", "clients", "chat reached"}
_ROLES = ("manager", "supervisor", "user", "client", "vendor")
Table = dict[str, dict[str, str]]


def _parsed(table: str) -> Table:
    lines = [line.rsplit(None, len(_ROLES)) for line in table.strip().splitlines()[1:]]
    return {what.strip(): dict(zip(_ROLES, words, strict=True)) for what, *words in lines}


TEAM, HOUSE = _parsed(IN_THE_TEAM), _parsed(IN_THE_STUDIO)


@dataclass(frozen=True)
class Standing:
    """What a caller is: the role in the studio (none when nobody is signed in) and in each team."""

    role: str | None = None
    teams: dict[str, str] = field(default_factory=dict)
    department: str = WOOD


def may_see(who: Standing, secret: Secret) -> bool:
    """Whether the table lets a caller see what a mark stands for."""
    if (secret.table, secret.column) in NOBODYS or who.role is None:
        return False
    if who.role == "admin":
        return True
    if secret.table in ("person", "day_off", "login_log", "desktop_login_log"):
        return _of_a_person(who, secret)
    if secret.place == STUDIO:
        return secret.column == "id" or HOUSE[secret.table][who.role] == "yes"
    if (secret.label == "shared" or str(secret).startswith("project.id")) and _casts(who, secret.place):
        return True  # an asset shared by a production that this one shows, and which production that is
    role = who.teams.get(secret.place)
    if role is None or secret.place == REMOVED:
        return False
    # The events of a production tell its team which rows changed, by their ids.
    return secret.column == "id" or all(_allows(rule, role, who, secret) for rule in rules_of(secret))


def rules_of(secret: Secret) -> list[str]:
    """The lines about a mark. Raises KeyError when no line is about its table."""
    table = TEAM if secret.place != STUDIO else HOUSE
    row = f"{secret.table}:{secret.label}"
    rules = [row if row in table else secret.table]
    table[rules[0]]
    column = f"{secret.table}.{secret.column}"
    return [*rules, *(rule for rule in (column, f"{column}/{secret.part}") if rule in table)]


def _allows(rule: str, role: str, who: Standing, secret: Secret) -> bool:
    word = TEAM[rule][role]
    if secret.place == ISOLATED and role == "client" and secret.label == "by a client":
        return False  # it is another client's
    if rule.endswith("/department") or rule == "metadata_descriptor:department":
        return word == "yes" or (role == "vendor" and who.department == STONE)
    if word == "name":
        return secret.column == "name"
    return word == "yes" or (word == "task" and secret.label in REACHED)


def _casts(who: Standing, place: str) -> bool:
    """Whether a production that the caller works on shows the shared assets of another."""
    neighbours = {VIEWED: FOREIGN, FOREIGN: VIEWED}
    return who.teams.get(neighbours.get(place, CLOSED)) not in (None, "vendor")


def _of_a_person(who: Standing, secret: Secret) -> bool:
    """People are of the studio and of the teams they are in, that of the place they were planted in."""
    here = who.teams.get(secret.place)
    if secret.place == REMOVED:
        here = None
    if secret.column == "id":
        return True
    if secret.table == "day_off":
        return here == "manager"
    if secret.table != "person":
        return False
    if secret.column in PERSONAL:
        return here == "manager" or (who.role == "manager" and secret.column in IMPERSONAL)
    known = WORKPLACE if who.role not in ("client", "vendor") or here not in (None, "client") else NAMES
    return secret.column in known and (who.role not in ("client", "vendor") or here is not None)
