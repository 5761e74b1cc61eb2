"""The page of the console: who gets it, and that it takes nothing from elsewhere."""

import re

import pytest
import requests

from pegbar.accounts.tables import ROLES
from tests import factories
from tests.client import Client
from tests.server import Server


@pytest.mark.parametrize("role", ROLES)
def test_only_studio_managers_get_in(admin: Client, server: Server, role: str) -> None:
    who = factories.hire(admin, role)
    may = role == "admin"
    for address in (f"{server.url}/console", f"{server.api}/console"):
        cookies = {"access_token_cookie": str(who.token)}
        page = requests.get(address, cookies=cookies, headers={"Accept": "text/html,*/*;q=0.8"}, timeout=60)
        assert page.status_code == (200 if may else 403)
        assert page.headers["content-type"].startswith("text/html")
        # Programs, which do not ask for a page, are refused as everywhere.
        told = requests.get(address, cookies=cookies, timeout=60)
        assert told.status_code == (200 if may else 403)
        assert {"Accept", "Cookie", "Authorization"} <= set(told.headers["vary"].split(", "))
        assert may or told.json() == {"error": True, "message": "You are not allowed to do this.", "data": None}
    refused = {
        path: who.get(f"/console/api/{path}").status_code for path in ("overview", "sessions", "log", "settings")
    }
    assert set(refused.values()) == {200 if may else 403}
    assert who.post("/console/api/storage/count").status_code == (200 if may else 403)


def test_whoever_is_not_signed_in_gets_a_form_and_nothing_else(anonymous: Client, server: Server) -> None:
    for cookies in ({}, {"access_token_cookie": "nonsense"}):
        assert requests.get(f"{server.url}/console", cookies=cookies, timeout=60).status_code == 200
    assert anonymous.get("/console/api/overview").status_code == 401


def test_the_page_takes_nothing_from_elsewhere(server: Server) -> None:
    page = requests.get(f"{server.url}/console", timeout=60)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?://", page.text)
    names = set(re.findall(r"console/assets/([\w.]+)", page.text))
    seen: set[str] = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        asset = requests.get(f"{server.url}/console/assets/{name}", timeout=60)
        assert asset.status_code == 200, name
        assert asset.headers["content-security-policy"] == policy
        assert not re.search(
            r"""(?:src|href|from|fetch|import)\W{1,3}https?://|innerHTML|insertAdjacentHTML|\beval\b""", asset.text
        )
        names |= set(re.findall(r"""from "\./([\w.]+)";""", asset.text))
        etag = asset.headers["etag"]
        again = requests.get(asset.url, headers={"If-None-Match": etag}, timeout=60)
        assert (again.status_code, again.content) == (304, b"")
    assert {"app.js", "jobs.js", "log.js", "console.css", "icon.svg"} <= seen


@pytest.mark.parametrize("name", ["nothing.js", "console.html", "..%2froutes.py", "%00"])
def test_there_is_nothing_else_beside_it(server: Server, name: str) -> None:
    assert requests.get(f"{server.url}/console/assets/{name}", timeout=60).status_code == 404


def test_a_slash_at_the_end_leads_to_the_page(server: Server) -> None:
    for root in (server.url, server.api):
        answer = requests.get(f"{root}/console/", timeout=60)
        assert (answer.status_code, answer.url) == (200, f"{root}/console")
