"""HTTP clients of every role, and factories of the rows that tests need."""

import itertools
import os
from typing import Any

import requests
from requests.cookies import extract_cookies_to_jar

_numbers = itertools.count(1)
_run = os.urandom(3).hex()


def unique(word: str) -> str:
    """A name that no other test uses."""
    return f"{word} {_run}{next(_numbers)}"


class Session(requests.Session):
    """One whose plain requests take less time: cookies, redirects and proxies are for those that have some."""

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        files: Any = None,
        headers: Any = None,
        timeout: float | None = None,
        **others: Any,
    ) -> requests.Response:
        if others != {"allow_redirects": False} or self.cookies:
            parts = {"params": params, "data": data, "json": json, "files": files, "headers": headers}
            return super().request(method, url, timeout=timeout, **parts, **others)
        plain = requests.PreparedRequest()
        plain.prepare_method(method)
        plain.prepare_url(url, params)
        plain.prepare_headers({**self.headers, **(headers or {})})
        plain.prepare_body(data or {}, files, json)
        answer = self.get_adapter(plain.url or "").send(plain, timeout=timeout)
        answer.content  # noqa: B018 - it is read
        extract_cookies_to_jar(self.cookies, plain, answer.raw)
        return answer


class Client:
    """Somebody calling the API. Answers are `requests` responses; `ok_*` return the JSON of a successful one."""

    def __init__(self, api: str, token: str | None = None, person: dict[str, Any] | None = None) -> None:
        self.api, self.token, self.person = api, token, person or {}
        self.http = Session()
        self.http.trust_env = False  # proxies are looked for at each request otherwise, which takes a third of it
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"

    @property
    def id(self) -> str:
        return str(self.person["id"])

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        return self.http.request(method, self.api + path, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.call("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.call("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.call("DELETE", path, **options)

    def ok_get(self, path: str, **options: Any) -> Any:
        return _ok(self.get(path, **options))

    def ok_post(self, path: str, json: Any = None, **options: Any) -> Any:
        return _ok(self.post(path, json, **options))

    def ok_put(self, path: str, json: Any = None, **options: Any) -> Any:
        return _ok(self.put(path, json, **options))

    def ok_delete(self, path: str, **options: Any) -> None:
        _ok(self.delete(path, **options))


def _ok(answer: requests.Response) -> Any:
    assert answer.status_code < 300, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def sign_in(api: str, email: str, password: str) -> Client:
    answer = requests.post(f"{api}/auth/login", json={"email": email, "password": password}, timeout=60)
    body = _ok(answer)
    return Client(api, body["access_token"], body["user"])
