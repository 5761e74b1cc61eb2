"""Sockets end with the token that opened them."""

from tests.accounts.people import PASSWORD, artist, log_in
from tests.client import Client, unique
from tests.core.listener import Listener
from tests.factories import hire
from tests.server import Server

EVENT = "department:new"


def test_a_socket_hears_nothing_once_its_token_is_over(server: Server, admin: Client) -> None:
    signed_out, kept, other = [log_in(admin, artist(admin, role="admin")[1]).json() for _ in range(3)]
    elsewhere = log_in(admin, other["user"]["email"]).json()
    bot = hire(admin, "admin")
    ended = {"signed out": signed_out["access_token"], "password changed": elsewhere["access_token"], "bot": bot.token}
    going_on = {"kept": kept["access_token"], "changed it": other["access_token"]}
    listeners = {name: Listener(server.url, token, EVENT) for name, token in (ended | going_on).items()}
    Client(admin.api, signed_out["access_token"]).ok_get("/auth/logout")
    change = {"old_password": PASSWORD, "password": "changed now", "password_2": "changed now"}
    Client(admin.api, other["access_token"]).ok_post("/auth/change-password", change)
    bot.token = admin.ok_put(f"/data/persons/{bot.id}", {"expiration_date": "2099-12-31"})["access_token"]
    listeners["bot again"] = Listener(server.url, bot.token, EVENT)
    department_id = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#000000"})["id"]
    for name in (*going_on, "bot again"):
        listeners[name].wait_for("department_id", department_id)
    for name in ended:
        assert listeners[name].heard.empty(), name
    for listener in listeners.values():
        listener.close()
