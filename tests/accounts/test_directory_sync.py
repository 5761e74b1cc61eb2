"""The people of a directory come over: `pegbar directory sync`."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pegbar.accounts.sign_on.ldap import sync
from pegbar.accounts.sign_on.ldap.entries import entry_of, same_uid
from pegbar.accounts.sign_on.ldap.jobs import sync_directories
from pegbar.accounts.sign_on.ldap.sync import Member, plan
from pegbar.accounts.sign_on.ldap.walk import walk, walk_of
from pegbar.accounts.sign_on.providers import Ldap, SignOn
from pegbar.accounts.sign_on.walks import Step
from pegbar.config import settings
from pegbar.core.data.database import Database
from tests.accounts.people import artist, is_in, stored
from tests.accounts.slapd import AD_USERS, GROUPS, PASSWORD, STUDIO, Slapd, photo
from tests.client import Client, unique
from tests.command import Done, pegbar
from tests.server import Server


def uid(word: str = "ida") -> str:
    return unique(word).replace(" ", "-")


class Directory:
    """A branch of the directory of its own, and the commands about it."""

    def __init__(self, slapd: Slapd, server: Server, file: Path, **settings: Any) -> None:
        self.slapd, self.server, self.file = slapd, server, file
        self.name = uid("d")
        self.base = slapd.add(f"ou={self.name},{STUDIO}", "organizationalUnit", ou=self.name)
        self.settings = {
            "host": "127.0.0.1", "port": slapd.port, "base_dn": self.base, "user": f"cn=reader,{STUDIO}",
            "password": "readsall", "email_domain": "studio.example", "most_switched_off": 100, **settings,
        }  # fmt: skip
        self.more = ""  #: further tables of the file

    def person(self, login: str, *names: str, **more: Any) -> str:
        return self.slapd.person(login, *names, base=self.base, **more)

    def command(self, *arguments: str, **environment: str) -> Done:
        written = "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.settings.items())
        # People of whom nobody noted where they came from are the first one's: other tests make some.
        first = '[ldap.elsewhere]\nhost = "127.0.0.1"\nport = 1\nbase_dn = "dc=elsewhere"\nuser = "x"\n'
        self.file.write_text(f"{first}[ldap.{self.name}]\n{written}{self.more}")
        if arguments[:2] == ("directory", "sync") and "--directory" not in arguments:
            arguments += ("--directory", self.name)
        where = {"DATABASE_URL": self.server.database_url, "PEGBAR_DATA": str(self.server.folder)}
        return pegbar(*arguments, PEGBAR_SIGN_ON_FILE=str(self.file), **where, **environment)

    def sync(self, *options: str, **environment: str) -> dict[str, Any]:
        """What a run told, by JSON."""
        done = self.command("directory", "sync", "--directory", self.name, "--json", *options, **environment)
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)[0]
        return report


def people(admin: Client, *logins: str) -> dict[str, dict[str, Any]]:
    rows = admin.ok_get("/data/persons?relations=true")
    return {row["desktop_login"]: row for row in rows if row["desktop_login"] in logins}


def told(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {line["login"]: (line["what"], line["detail"]) for line in report["lines"]}


@pytest.fixture
def make(slapd: Slapd, server: Server, tmp_path: Path) -> Callable[..., Directory]:
    return lambda **settings: Directory(slapd, server, tmp_path / "sign-on.toml", **settings)


@pytest.fixture
def directory(make: Callable[..., Directory]) -> Directory:
    return make()


def events(admin: Client, name: str, person_id: str) -> int:
    rows = admin.ok_get("/data/events/last?limit=1000")
    return sum(row["name"] == name and row["data"].get("person_id") == person_id for row in rows)


def test_people_come_over_once_and_follow_their_entries(directory: Directory, admin: Client) -> None:
    ida, bo, off = uid(), uid("bo"), uid("off")
    dn = directory.person(ida, "Ida", "Lup", mail=[f"{ida}@gmail.example", f"{ida}@STUDIO.example"])
    directory.person(bo, "Bo", "Yin", mail=None, givenName=None)
    directory.person(off, organizationalStatus="left")
    first = directory.sync()
    assert told(first) == {ida: ("new", f"{ida}@studio.example, user"), bo: ("new", f"{bo}@studio.example, user")}
    assert (first["counts"]["seen"], first["counts"]["unchanged"]) == (3, 1)
    rows = people(admin, ida, bo, off)
    assert rows.keys() == {ida, bo}
    assert (rows[bo]["first_name"], rows[bo]["last_name"], rows[bo]["email"]) == (
        "Bo Yin",
        "Yin",
        f"{bo}@studio.example",
    )
    assert rows[ida]["is_generated_from_ldap"]
    assert events(admin, "person:new", rows[ida]["id"]) == 1
    again = directory.sync()
    assert (again["lines"], again["counts"]["unchanged"]) == ([], 3)
    assert people(admin, ida) == {ida: rows[ida]}

    directory.slapd.change(dn, sn="Lupin", mail=f"lupin-{ida}@studio.example", uid=[ida])
    changed = told(directory.sync())
    assert changed == {
        ida: ("changed", f"last_name: Lup → Lupin, email: {ida}@studio.example → lupin-{ida}@studio.example")
    }
    row = people(admin, ida)[ida]
    assert (row["id"], row["full_name"]) == (rows[ida]["id"], "Ida Lupin")
    assert events(admin, "person:update", row["id"]) >= 1


def test_who_is_gone_is_switched_off_with_their_sessions_and_may_come_back(
    directory: Directory, admin: Client, directory_node: Server
) -> None:
    ida, leaves = uid(), uid("leaves")
    directory.person(ida)
    dn = directory.person(leaves)
    directory.sync()
    row = people(admin, leaves)[leaves]
    # The node's own directory is another: the session is one of before.
    admin.ok_put(f"/data/persons/{row['id']}", {"is_generated_from_ldap": False})
    admin.ok_post(
        f"/actions/persons/{row['id']}/change-password", {"password": "longenough", "password_2": "longenough"}
    )
    session = Client(admin.api)
    body = session.ok_post("/auth/login", {"email": row["email"], "password": "longenough"})
    session = Client(admin.api, body["access_token"])
    admin.ok_put(f"/data/persons/{row['id']}", {"is_generated_from_ldap": True})
    assert is_in(session)
    directory.slapd.remove(dn)
    assert told(directory.sync()) == {leaves: ("off", "not in the directory any more")}
    assert not is_in(session)
    assert not people(admin, leaves)[leaves]["active"]
    assert directory.sync()["lines"] == []
    directory.person(leaves)  # anew, with another id
    what, detail = told(directory.sync())[leaves]
    assert (what, "active: False → True" in detail) == ("on", True)
    assert people(admin, leaves)[leaves]["id"] == row["id"]
    assert not is_in(session)


def test_a_dry_run_tells_and_writes_nothing(directory: Directory, admin: Client, server: Server) -> None:
    ida, leaves = uid(), uid("leaves")
    dn = directory.person(leaves)
    directory.sync()
    before = people(admin, leaves)
    directory.slapd.remove(dn)
    directory.person(ida, jpegPhoto=photo("red"))
    counted = ("person", "api_event", "pegbar.directory_person")
    counts = f"SELECT {', '.join(f'(SELECT count(*) FROM {table})' for table in counted)}"
    rows = stored(server, counts)
    report = directory.sync("--dry-run")
    assert {login: what for login, (what, _) in told(report).items()} == {ida: "new", leaves: "off"}
    assert report["counts"]["photos"] == 1
    assert stored(server, counts) == rows
    assert people(admin, ida, leaves) == before
    table = directory.command("directory", "sync", "--dry-run")
    assert (table.returncode, ida in table.stdout, "Nothing was changed (dry run)." in table.stdout) == (0, True, True)
    assert told(directory.sync()) == told(report)


def test_a_run_that_would_switch_off_many_stops(make: Callable[..., Directory], admin: Client) -> None:
    directory = make(most_switched_off=50)
    logins = [uid() for _ in range(4)]
    entries = [directory.person(login) for login in logins]
    directory.sync()
    directory.slapd.change(entries[0], organizationalStatus="left")
    for dn in entries[1:3]:
        directory.slapd.remove(dn)
    stopped = directory.command("directory", "sync")
    assert stopped.returncode == 1
    assert "would switch off 3 of 4 people" in stopped.stderr
    assert "--force" in stopped.stderr
    assert "--force" in directory.command("directory", "list").stdout
    assert all(row["active"] for row in people(admin, *logins).values())
    directory.sync("--force")
    assert {login: row["active"] for login, row in people(admin, *logins).items()} == {
        **dict.fromkeys(logins[:3], False),
        logins[3]: True,
    }
    directory.slapd.remove(entries[0])
    directory.slapd.remove(entries[3])
    empty = directory.command("directory", "sync", "--force")
    assert (empty.returncode, "nobody was found below" in empty.stderr) == (1, True), "an empty directory is none"
    assert people(admin, logins[3])[logins[3]]["active"]


def test_groups_give_roles_and_departments(make: Callable[..., Directory], admin: Client) -> None:
    layout = admin.ok_post("/data/departments", {"name": unique("Layout"), "color": "#000000"})
    by_hand = admin.ok_post("/data/departments", {"name": unique("By hand"), "color": "#000000"})
    directory = make(group_base_dn=GROUPS)
    ida = uid()
    dn = directory.person(ida)
    leads, gone = uid("leads"), uid("nowhere")
    group = directory.slapd.group(leads, dn)
    producers = directory.slapd.group(uid("producers"), group)
    directory.more = (
        f'[ldap.{directory.name}.groups."{producers}"]\nrole = "manager"\n'
        f'[ldap.{directory.name}.groups."{leads[:-2]}*"]\nrole = "supervisor"\n'
        f'departments = ["{layout["name"].upper()}", "{gone}"]\n'
    )
    what, detail = told(directory.sync())[ida]
    assert (what, detail) == ("new", f"{ida}@studio.example, manager, {layout['name']}, no department {gone} here")
    row = people(admin, ida)[ida]
    assert (row["role"], row["departments"]) == ("manager", [layout["id"]])
    admin.ok_post(f"/actions/persons/{row['id']}/departments/add", {"department_id": by_hand["id"]})
    directory.slapd.change(producers, member=[f"cn=reader,{STUDIO}"])
    assert told(directory.sync())[ida][1].startswith("role: manager → supervisor")
    directory.slapd.change(group, member=[f"cn=reader,{STUDIO}"])
    assert told(directory.sync()) == {}, "who is in no group of the mapping stays as they are"
    directory.more = 'default_role = "vendor"\n' + directory.more
    what, detail = told(directory.sync())[ida]
    assert (what, detail.split(",")[0]) == ("changed", "role: supervisor → vendor")
    row = people(admin, ida)[ida]
    assert (row["role"], row["departments"]) == ("vendor", [by_hand["id"]])


@pytest.mark.parametrize("named", ["dn", "name"])
def test_only_members_of_the_group_come_over(make: Callable[..., Directory], admin: Client, named: str) -> None:
    directory = make()
    ida, other, excluded = uid(), uid("other"), uid("excluded")
    members = [directory.person(ida), directory.person(excluded)]
    directory.person(other)
    name = uid("studio")
    directory.settings |= {
        "group": directory.slapd.group(name, *members, unique=named == "name") if named == "dn" else name,
        "group_base_dn": GROUPS,
        "excluded_accounts": [excluded.upper()],
    }
    if named == "name":
        directory.slapd.group(name, *members, unique=True)
    assert told(directory.sync()).keys() == {ida}
    assert people(admin, ida, other, excluded).keys() == {ida}
    directory.settings["group"] = uid("nothing")
    refused = directory.command("directory", "sync")
    assert (refused.returncode, "nobody was found" in refused.stderr) == (1, True)


def test_people_of_active_directory_come_over(make: Callable[..., Directory], slapd: Slapd, admin: Client) -> None:
    directory = make(base_dn=AD_USERS, is_ad_simple=True, user="cn=reader,dc=ad,dc=example")
    ida, disabled, machine = uid(), uid("disabled"), uid("machine")
    dn = slapd.ad_user(ida, "Ida", "Lup", thumbnailPhoto=photo("blue"))
    slapd.ad_user(disabled, userAccountControl=514)
    slapd.ad_user(machine, computer=True)
    inner = slapd.group(uid("inner"), dn, base=AD_USERS)
    outer = slapd.group(uid("outer"), inner, base=AD_USERS)
    directory.settings["group"] = outer
    assert told(directory.sync()) == {ida: ("new", f"{ida}@ad.example, user")}
    row = people(admin, ida, disabled, machine)[ida]
    assert row["ldap_uid"].startswith("{")
    slapd.change(dn, userAccountControl=66050)
    assert told(directory.sync())[ida] == ("off", "active: True → False")
    shown = admin.get(f"/pictures/thumbnails/persons/{row['id']}.png")
    assert shown.content.startswith(b"\x89PNG")


def test_existing_people_are_found_by_login_and_by_any_address(directory: Directory, admin: Client) -> None:
    by_login, by_mail, member_id = uid("login"), uid("mail"), ""
    known = admin.ok_post(
        "/data/persons",
        {"first_name": "A", "last_name": "B", "email": f"{by_login}@other.example", "desktop_login": by_login},
    )
    member_id, email = artist(admin)
    directory.person(by_login)
    directory.person(by_mail, mail=[f"{by_mail}@studio.example", email])
    report = told(directory.sync())
    assert {login: what for login, (what, _) in report.items()} == {by_login: "changed", by_mail: "changed"}
    rows = people(admin, by_login, by_mail)
    assert (rows[by_login]["id"], rows[by_mail]["id"]) == (known["id"], member_id)
    assert rows[by_login]["email"] == f"{by_login}@studio.example"
    assert rows[by_mail]["is_generated_from_ldap"]


def test_who_cannot_come_over_holds_up_nobody(directory: Directory, admin: Client) -> None:
    boss = artist(admin)
    ida, protected, twin, malformed = uid(), uid("protected"), uid("twin"), uid("malformed")
    directory.person(ida, mail=f"shared-{ida}@studio.example")
    directory.person(protected, mail=boss[1])
    directory.person(twin, mail=f"shared-{ida}@studio.example")
    directory.person(malformed, mail="no address")
    report = told(directory.sync(PROTECTED_ACCOUNTS=boss[1]))
    whats = {login: what for login, (what, _) in report.items()}
    assert whats == {ida: "new", protected: "left out", twin: "left out", malformed: "left out"}
    assert "protected" in report[protected][1]
    assert "is somebody else in the directory" in report[twin][1]
    row = admin.ok_get(f"/data/persons/{boss[0]}")
    assert (row["email"], row["desktop_login"], bool(row["is_generated_from_ldap"])) == (boss[1], None, False)


def test_nobody_becomes_somebody_else_by_an_address(directory: Directory, admin: Client) -> None:
    boss, thief = uid("boss"), uid("a-thief")
    dn = directory.person(thief)
    directory.person(boss)
    directory.sync()
    rows = people(admin, boss, thief)
    directory.slapd.change(dn, mail=[f"{boss}@studio.example"])
    assert told(directory.sync()) == {}
    assert people(admin, boss, thief) == rows
    directory.slapd.remove(dn)
    directory.person(thief, mail=f"{boss}@studio.example")
    directory.slapd.change(f"uid={boss},{directory.base}", givenName="Bo")
    what = {login: line[0] for login, line in told(directory.sync()).items()}
    assert what == {thief: "changed", boss: "changed"}, "by the login, with another id"
    after = people(admin, boss, thief)
    assert {login: row["id"] for login, row in after.items()} == {login: row["id"] for login, row in rows.items()}
    assert after[thief]["email"] == rows[thief]["email"]


def test_the_user_limit_holds(directory: Directory, admin: Client) -> None:
    ida = uid()
    directory.person(ida)
    report = told(directory.sync(USER_LIMIT="1"))
    assert report == {ida: ("left out", "User limit reached.")}
    assert told(directory.sync(USER_LIMIT="100000"))[ida][0] == "new"


def test_two_directories_keep_to_their_own(make: Callable[..., Directory], admin: Client) -> None:
    one, other = make(), make()
    login, alone = uid(), uid("alone")
    one.person(login)
    one.person(alone)
    one.sync()
    row = people(admin, login)[login]
    other.person(login, mail=f"else-{login}@studio.example")
    what, detail = told(other.sync())[login]
    assert (what, f"belongs to the directory {one.name}" in detail) == ("left out", True)
    assert people(admin, login)[login] == row
    assert people(admin, alone)[alone]["active"], "who is not in the other directory is none of its business"


def test_photos_become_avatars_when_they_change(directory: Directory, admin: Client, server: Server) -> None:
    ida, fake = uid(), uid("fake")
    dn = directory.person(ida, jpegPhoto=photo("red"))
    directory.person(fake, jpegPhoto=b"<svg onload=alert(1)>" * 10)
    assert directory.sync()["counts"]["photos"] == 1
    rows = people(admin, ida, fake)
    assert (rows[ida]["has_avatar"], bool(rows[fake]["has_avatar"])) == (True, False)
    path = f"/pictures/thumbnails/persons/{rows[ida]['id']}.png"
    red = admin.get(path).content
    assert red.startswith(b"\x89PNG")
    assert directory.sync()["counts"]["photos"] == 0
    directory.slapd.change(dn, jpegPhoto=photo("green"))
    assert directory.sync()["counts"]["photos"] == 1
    assert admin.get(path).content != red
    assert events(admin, "person:set-thumbnail", rows[ida]["id"]) == 2


def test_more_people_than_a_page_come_over(directory: Directory, admin: Client) -> None:
    word = uid("crowd")
    for number in range(1101):
        directory.person(f"{word}-{number}", organizationalStatus="left" if 1 < number < 1099 else "active")
    report = directory.sync()
    assert (report["counts"]["seen"], report["counts"]["new"]) == (1101, 4)
    again = directory.sync()
    assert (again["counts"]["unchanged"], again["lines"]) == (1101, [])
    directory.settings["user_filter"] = f"(!(uid={word}-1100))"
    assert told(directory.sync()).keys() == {f"{word}-1100"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": 1}, "was not gone through, and nothing was changed"),
        ({"password": "not the one"}, "it refuses cn=reader"),
        ({"user": ""}, "nobody is named who may read it"),
        ({"base_dn": "ou=nowhere,dc=studio,dc=example"}, "there is no such entry"),
        ({"user_filter": "(uid=x"}, "filter"),
        ({"group_base_dn": "ou=nowhere,dc=studio,dc=example", "group": "x"}, "there is no such entry"),
    ],
)
def test_a_run_that_cannot_be_says_why(make: Callable[..., Directory], settings: dict[str, Any], words: str) -> None:
    done = make(**settings).command("directory", "sync")
    assert done.returncode == 1
    assert words in done.stderr


def test_the_command_says_what_is_not_set_up(directory: Directory, server: Server, tmp_path: Path) -> None:
    unknown = directory.command("directory", "sync", "--directory", "nowhere")
    assert (unknown.returncode, directory.name in unknown.stderr) == (1, True)
    nothing = pegbar("directory", "sync", DATABASE_URL=server.database_url, PEGBAR_DATA=str(server.folder))
    assert (nothing.returncode, "No directory is set up" in nothing.stderr) == (1, True)


# Reading entries


def directory_of(**more: Any) -> Ldap:
    return Ldap(**{"name": "ldap", "host": "x", "base_dn": "dc=x", "email_domain": "studio.example", **more})


@pytest.mark.parametrize(
    ("mails", "emails"),
    [
        ([], ("ida@studio.example",)),
        (["A@Else.example"], ("a@else.example",)),
        (["a@else.example", "b@studio.example"], ("b@studio.example", "a@else.example")),
        (["b@studio.example", "IDA"], ("ida", "b@studio.example")),
    ],
)
def test_the_address_to_use(mails: list[str], emails: tuple[str, ...]) -> None:
    entry = entry_of(directory_of(), "uid=ida", {"UID": [b"ida"], "mail": [mail.encode() for mail in mails]})
    assert entry is not None
    assert entry.emails == emails


def test_what_is_no_person_to_sign_in_is_left(slapd: Slapd) -> None:
    assert entry_of(directory_of(), "cn=x", {"cn": [b"x"]}) is None
    odd = entry_of(directory_of(is_ad=True), "cn=x", {"sAMAccountName": [b"\xff"], "objectGUID": [b"short"]})
    assert odd is not None
    assert (odd.uid, odd.active) == ("", True)


def test_ids_of_other_servers_are_the_same_with_braces_and_without() -> None:
    plain = "0A1B2C3D-0000-1111-2222-333344445555"
    assert same_uid(f"{{{plain.lower()}}}") == same_uid(plain)
    assert same_uid("Uid-1") != same_uid("uid-1"), "no GUID: as it stands"


def test_who_is_who_goes_by_uid_then_login_then_address() -> None:
    def row(**more: Any) -> Any:
        about = {"ldap_uid": None, "desktop_login": "", "email": None, "active": True, "from_directory": True}
        return {**about, "directory": "ldap", "photo_digest": None, "full_name": "X", **more}

    def entry(uid: str, login: str, mail: str) -> Member:
        values = {"uid": [login.encode()], "mail": [mail.encode()], "entryUUID": [uid.encode()]}
        read = entry_of(directory_of(), f"uid={login}", values)
        assert read is not None
        return Member(read, ())

    rows = [row(id=1, ldap_uid="u1"), row(id=2, desktop_login="l1"), row(id=3, email="m1"), row(id=4)]
    members = [entry("u1", "l1", "m1"), entry("u9", "l1", "m1"), entry("u9", "l9", "m1"), entry("u9", "l9", "m9")]
    planned = plan(directory_of(), members, rows)
    assert [member.row and member.row["id"] for member in planned.members] == [1, 2, 3, None]
    assert [gone["id"] for gone in planned.gone] == [4]


def test_who_came_from_no_directory_that_is_noted_came_from_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = directory_of(), directory_of(base_dn="dc=y")
    monkeypatch.setattr(sync, "sign_on", lambda: SignOn(ldap=(first, second)))
    row: Any = {"id": 1, "ldap_uid": None, "desktop_login": "ida", "email": None, "full_name": "Ida", "active": True}
    row |= {"from_directory": True, "directory": None}
    assert plan(first, [], [row]).gone == [row]
    assert plan(second, [], [row]).gone == []


# Trials, and runs by the clock


def steps(walk: AsyncIterator[Step]) -> list[Step]:
    async def all_of() -> list[Step]:
        return [step async for step in walk]

    return asyncio.run(all_of())


def provider(directory: Directory, **more: Any) -> Ldap:
    return Ldap(name=directory.name, **{**directory.settings, **more})


def test_a_trial_tells_the_step_that_fails(directory: Directory) -> None:
    directory.person(uid())
    whole = steps(walk(provider(directory)))
    assert [(step.title, step.failure) for step in whole] == [
        ("Connection", ""),
        ("Account that reads", ""),
        ("People", ""),
    ]
    assert "readable" in whole[0].told[1]
    assert whole[2].told[0] == "1 people"
    for more, title in (
        ({"port": 1}, "Connection"),
        ({"ssl": True, "port": directory.slapd.tls_port}, "Connection"),
        ({"password": "not the one"}, "Account that reads"),
        ({"base_dn": "ou=nowhere,dc=studio,dc=example"}, "People"),
    ):
        last = steps(walk(provider(directory, **more)))[-1]
        assert last.title == title
        assert last.failure
        assert last.advice


@pytest.mark.parametrize("reads", [True, False])
def test_a_trial_of_somebody_tells_what_would_come_of_it(directory: Directory, server: Server, reads: bool) -> None:
    ida = uid()
    directory.person(ida, mail=f"{ida}@studio.example")
    at = provider(directory, **({} if reads else {"user": ""}))

    def tried(password: str) -> list[Step]:
        async def run() -> list[Step]:
            db = Database(server.database_url, size=1, streams=1)
            await db.open()
            try:
                return [step async for step in walk_of(db, at, ida, password)]
            finally:
                await db.close()

        return asyncio.run(run())

    before = stored(server, "SELECT count(*) FROM person")
    whole = tried(PASSWORD)
    assert [step.title for step in whole] == ["Sign-in", "Entry", "What would come of it"]
    assert f"login: {ida}" in whole[1].told
    assert "a new account would be made" in whole[2].told
    assert [(step.title, bool(step.failure)) for step in tried("not the one")] == [("Sign-in", True)]
    assert [(step.title, bool(step.failure)) for step in tried("")] == [("Sign-in", True)]
    assert stored(server, "SELECT count(*) FROM person") == before


def test_the_command_of_trials_walks_a_directory(directory: Directory, server: Server) -> None:
    ida = uid()
    directory.person(ida)
    before = stored(server, "SELECT count(*) FROM person")
    done = directory.command("sso", "test", directory.name, "--login", ida, PEGBAR_DIRECTORY_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert "a new account would be made" in done.stdout
    wrong = directory.command("sso", "test", directory.name, "--login", ida, PEGBAR_DIRECTORY_PASSWORD="not the one")
    assert (wrong.returncode, "Sign-in: invalidCredentials" in wrong.stderr) == (1, True)
    assert PASSWORD not in done.stdout + done.stderr + wrong.stderr
    assert stored(server, "SELECT count(*) FROM person") == before


def test_the_server_goes_through_a_directory_when_it_is_due(
    directory: Directory, server: Server, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ida, bo = uid(), uid("bo")
    directory.person(ida)
    directory.command("directory", "list")  # writes the file
    monkeypatch.setenv("PEGBAR_SIGN_ON_FILE", str(directory.file))
    monkeypatch.setenv("PEGBAR_DATA", str(server.folder))

    def strike(minutes: int) -> None:
        monkeypatch.setenv("PEGBAR_DIRECTORY_SYNC_EVERY", str(minutes))
        settings.cache_clear()

        async def run() -> None:
            db = Database(server.database_url, size=2, streams=1)
            await db.open()
            try:
                await sync_directories(db)
            finally:
                await db.close()

        try:
            asyncio.run(run())
        finally:
            settings.cache_clear()

    strike(0)
    assert not people(admin, ida)
    strike(15)
    assert people(admin, ida).keys() == {ida}
    directory.person(bo)
    strike(15)
    assert not people(admin, bo), "the last run is not so long ago"
    ago = "UPDATE pegbar.directory_run SET began_at = began_at - interval '15 minutes' WHERE directory = %s RETURNING 1"
    stored(server, ago, directory.name)
    strike(15)
    assert people(admin, bo).keys() == {bo}
    stored(server, ago, directory.name)
    directory.settings["port"] = 1
    directory.command("directory", "list")
    strike(15)
    [(problem,)] = stored(server, "SELECT problem FROM pegbar.directory_run WHERE directory = %s", directory.name)
    assert problem
    assert "refused" in problem
