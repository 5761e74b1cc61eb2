"""People from spreadsheets."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.sheets.reading import delimiter_of, parse
from tests.client import Client, sign_in, unique
from tests.factories import hire
from tests.server import ADMIN, Server


def send(who: Client, sheet: str | bytes, **query: Any) -> requests.Response:
    """The answer to a sheet."""
    return who.post("/import/csv/persons", files={"file": ("people.csv", sheet, "text/csv")}, params=query)


def rows_of(answer: requests.Response) -> Any:
    assert answer.status_code == 201, answer.text
    return answer.json()


def address() -> str:
    return f"{unique('ida').replace(' ', '.').lower()}@example.com"


def test_a_sheet_of_people_is_hired(admin: Client) -> None:
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})
    studio = admin.ok_post("/data/studios", {"name": unique("Harbour"), "color": "#102030"})
    email = address()
    sheet = (
        "First Name;Last Name;Email;Phone;Role;Departments;Studio;Country;Contract Type;Position;Seniority;"
        "Daily Salary;Active;Shoe size\n"
        f"Ida;Vik; {email.upper()} ;'+33 1;Production Manager;{fur['name']};{studio['name']};fr;freelance;Lead;"
        "senior;300;yes;42\n;;;\n"
    )
    (row,) = rows_of(send(admin, sheet))
    assert (row["email"], row["phone"], row["role"], row["country"]) == (email, "+33 1", "manager", "FR")
    assert (row["contract_type"], row["position"], row["seniority"]) == ("freelance", "lead", "senior")
    assert (row["daily_salary"], row["active"], row["studio_id"]) == (300, True, studio["id"])
    assert "password" not in row
    assert "departments" not in row
    assert admin.ok_get(f"/data/persons/{row['id']}")["departments"] == [fur["id"]]


def test_known_people_change_only_when_asked(admin: Client) -> None:
    email = address()
    (row,) = rows_of(send(admin, f"First Name,Last Name,Email,Role\nIda,Vik,{email},Artist\n"))
    again = f"First Name,Last Name,Email,Role,Phone\nEda,Vik,{email},,12\n"
    (same,) = rows_of(send(admin, again))
    assert (same["id"], same["first_name"]) == (row["id"], "Ida")
    (changed,) = rows_of(send(admin, again, update="TRUE"))
    assert (changed["id"], changed["first_name"], changed["phone"], changed["role"]) == (row["id"], "Eda", "12", "user")


def test_the_first_bad_row_stops_the_import_and_keeps_those_before(admin: Client) -> None:
    first, second, third = address(), address(), address()
    sheet = f'First Name;Last Name;Email;Role\n"I\nda";Vik;{first};Artist\nEda;Vik;{second};King\nOda;Vik;{third};\n'
    answer = send(admin, sheet)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["line_number"], body["imported_rows"]) == (True, 4, 1)
    assert "King" in body["message"]
    assert "Production Manager" in body["message"]
    assert len(admin.ok_get("/data/persons", params={"email": first})) == 1
    assert admin.ok_get("/data/persons", params={"email": second}) == []
    assert admin.ok_get("/data/persons", params={"email": third}) == []
    rows = send(admin, sheet.replace("King", "Vendor"), update="true")
    assert len(rows.json()) == 3


def test_refusals_name_what_is_wrong(admin: Client) -> None:
    email = address()
    head = "First Name;Last Name;Email"
    for sheet, word in [
        (f"First Name;Email\nIda;{email}\n", "Last Name"),
        (f"{head}\nIda;Vik;nobody\n", "nobody"),
        (f"{head};Departments\nIda;Vik;{email};Nowhere\n", "Nowhere"),
        (f"{head};Studio\nIda;Vik;{email};Nowhere\n", "Nowhere"),
        (f"{head};Country\nIda;Vik;{email};FRA\n", "FRA"),
        (f"{head};Daily Salary\nIda;Vik;{email};much\n", "much"),
        (f"{head};Active\nIda;Vik;{email};maybe\n", "maybe"),
        (f"{head}\n{'I' * 81};Vik;{email}\n", "first_name"),
    ]:
        answer = send(admin, sheet)
        assert (answer.status_code, answer.json()["line_number"]) == (400, 2), sheet
        assert word in answer.json()["message"]
    assert "NUL" in send(admin, f"{head}\nI\0da;Vik;{email}\n").json()["message"]
    assert send(admin, "").status_code == 400
    assert send(admin, f"{head}\n{'I' * 200_000};Vik;{email}\n").status_code == 400
    assert admin.post("/import/csv/persons").status_code == 400
    assert send(admin, f"{head}\n").json() == []
    assert send(hire(admin, "manager"), f"{head}\nIda;Vik;{email}\n").status_code == 403
    assert admin.ok_get("/data/persons", params={"email": email}) == []


def test_a_byte_order_mark_or_another_encoding_is_read(admin: Client) -> None:
    one, other = address(), address()
    sheet = "First Name;Last Name;Email\nZoé;Vik;{}\n"
    assert send(admin, sheet.format(one).encode("utf-8-sig")).json()[0]["first_name"] == "Zoé"
    assert send(admin, sheet.format(other).encode("cp1252")).json()[0]["first_name"] == "Zoé"


def test_a_studio_grows_as_long_as_no_limit_is_set(admin: Client) -> None:
    rows = "".join(f"Una{number};Vik;{address()}\n" for number in range(110))
    assert len(send(admin, f"First Name;Last Name;Email\n{rows}").json()) == 110
    una = admin.ok_post("/data/persons", {"first_name": "Una", "last_name": "Vik", "email": address()})
    for active in (False, True):
        admin.ok_put(f"/data/persons/{una['id']}", {"active": active})
    bot = admin.ok_post("/data/persons", {"first_name": "Una", "last_name": "Bot", "is_bot": True})
    admin.ok_put(f"/data/persons/{bot['id']}", {"is_bot": True, "active": True})
    people = sum(bool(row["active"]) for row in admin.ok_get("/data/persons"))
    assert 100 < people < admin.ok_get("/data/user/context")["user_limit"]


def test_imports_keep_to_the_user_limit_and_protected_accounts() -> None:
    with Server(None, USER_LIMIT="2", PROTECTED_ACCOUNTS="chief@example.com") as server:
        admin = sign_in(server.api, *ADMIN)

        def hire_human(number: int) -> requests.Response:
            who = {"first_name": "Una", "last_name": "Vik", "email": f"una{number}@example.com"}
            return Client(server.api, admin.token).post("/data/persons", who)

        with ThreadPoolExecutor(4) as several:
            answers = list(several.map(hire_human, range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400], "one seat was left"
        una = next(answer.json() for answer in answers if answer.status_code == 201)
        admin.ok_put(f"/data/persons/{una['id']}", {"active": False})
        head = "First Name;Last Name;Email;Active\n"
        answer = send(admin, f"{head}Chief;Vik;chief@example.com;\nIda;Vik;ida@example.com;\n")
        assert answer.status_code == 400
        assert (answer.json()["message"], answer.json()["imported_rows"]) == ("User limit reached.", 1)
        answer = send(admin, f"{head}Chief;Vik;chief@example.com;no\n", update="true")
        assert answer.status_code == 400
        assert "protected" in answer.json()["message"]
        assert send(admin, f"{head}Ida;Vik;ida@example.com;no\n").status_code == 201
        over = admin.post("/data/persons", {"first_name": "Oda", "last_name": "Vik", "email": "oda@example.com"})
        assert (over.status_code, over.json()["data"]) == (400, {"limit": 2})
        assert over.json()["message"] == "User limit reached."
        ida = admin.ok_get("/data/persons", params={"email": "ida@example.com"})[0]
        assert ida["active"] is False
        again = admin.put(f"/data/persons/{ida['id']}", {"active": True})
        assert (again.status_code, again.json()["data"]) == (400, None)
        bot = hire(admin, "manager")
        denied = bot.post("/data/persons", {"first_name": "Oda", "last_name": "Vik", "email": "oda@example.com"})
        assert denied.status_code == 403, "whether seats are left is told after the permission is checked"
        chief = admin.ok_get("/data/persons", params={"email": "chief@example.com"})[0]
        assert admin.put(f"/data/persons/{chief['id']}", {"active": False}).status_code == 403
        assert admin.put(f"/data/persons/{chief['id']}", {"active": 0}).status_code == 403
        assert admin.put(f"/data/persons/{chief['id']}", {"role": "user"}).status_code == 403
        assert admin.ok_put(f"/data/persons/{chief['id']}", {"phone": "12"})["phone"] == "12"
        assert admin.delete(f"/data/persons/{chief['id']}", params={"force": "true"}).status_code == 403


_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=8).map(str.strip)


@given(st.lists(st.lists(_CELLS, min_size=2, max_size=4), max_size=5), st.sampled_from(";,\t|"))
def test_every_delimiter_and_quoted_cell_is_read(rows: list[list[str]], delimiter: str) -> None:
    def quoted(cells: list[str]) -> str:
        return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)

    header = ["One", "Two, three", "Four"]
    text = "".join(quoted(cells) + "\n" for cells in [header, *rows])
    assert delimiter_of(io.StringIO(text, newline="")) == delimiter
    kept = [cells for cells in rows if any(cells)]
    lines = parse(io.BytesIO(text.encode())).lines
    assert len(lines) == len(kept)
    for line, cells in zip(lines, kept, strict=True):
        expected = [cell[1:] if cell[:2] in ("'=", "'+", "'-", "'@") else cell for cell in cells]
        assert line.cells == expected[:3]
