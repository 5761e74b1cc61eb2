"""Who comes by a share link, and what their request proves: that they know its password, and which guest they are.

**Passwords** come as `?password=` or in the header `X-Share-Password`. Five wrong ones close the link to further ones
for a while, and the address that tries them has only so many a minute (accounts/guesses.py). A right one leaves a pass
in a cookie that scripts cannot read, so that a browser's `<img>` and `<video>` are served.

**Guests** are persons, and their ids are told with their comments to everybody who has the link: an id alone proves
nothing. So whoever makes a guest gets a secret too, in a cookie that scripts cannot read and, for programs without
cookies, as `guest_secret` of the answer, to be sent beside `guest_id` or in the header `X-Guest-Secret`. The web UI,
which keeps `guest_id` alone, has the cookie with it. Acting as a guest whose secret is not shown is refused; coming
back with such an id makes a new guest, whose id replaces the old one in the web UI. That happens once to guests that
another server made.

From "Worth fixing" 5 and 6 of spec review.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.accounts.addresses import is_https
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.passwords import matches
from pegbar.config import settings
from pegbar.core.data.database import Database, Json
from pegbar.core.errors import ApiError, NotFound, TooManyRequests
from pegbar.core.http.access import Rule
from pegbar.core.http.routing import Reply
from pegbar.review.sharing import keys
from pegbar.review.sharing.rule import password_of_link

AnyRequest = Request[Any, Any, Any]

by_link = Rule("whoever has a share link that is good, and its password if it has one", lambda _: True, public=True)

PASSWORD_HEADER, SECRET_HEADER = "x-share-password", "x-guest-secret"
_PASS_COOKIE, _GUEST_COOKIE = "pegbar_share_pass", "pegbar_guest_"
_GUEST_LIFETIME = 180 * 24 * 3600
_TOKEN = re.compile(r"[\w-]{1,64}", re.ASCII)

#: The proofs of passwords that were right, for clients that send theirs with every request: bcrypt takes a quarter of
#: a second. Each is compared with the stored password when it is used, so that nothing old is believed.
_known: OrderedDict[bytes, str] = OrderedDict()
_MOST_KNOWN = 1000


def no_such_link() -> NotFound:
    """The one answer to whoever may not come in, whatever the reason."""
    return NotFound("There is no such share link.")


def refusal(status: int, text: str) -> ApiError:
    """A refusal as guests' pages read it: its text under `error`."""
    return ApiError(text, status=status, error=text)


@dataclass(frozen=True)
class Visit:
    """A request by a share link."""

    token: str
    proofs: list[str] = field(default_factory=list)
    #: The secrets of guests that it shows, by their ids; and one that is told of no id.
    secrets: dict[UUID, str] = field(default_factory=dict)
    secret: str = ""
    #: `Set-Cookie` values that go with the answer.
    cookies: list[str] = field(default_factory=list)

    @property
    def link(self) -> dict[str, Any]:
        """The parameters of a statement about the link (rule.py)."""
        return {"token": self.token, "token_hash": keys.hashed(self.token), "proofs": self.proofs}

    def is_guest(self, guest_id: UUID, secret: str = "") -> bool:
        """Whether the request shows the secret of this guest: in a cookie, the header, or beside the id."""
        shown = (self.secrets.get(guest_id, ""), self.secret, secret)
        return any(keys.is_guest_secret(guest_id, text) for text in shown)

    @property
    def guests(self) -> list[UUID]:
        """The guests whose secrets the request shows in cookies."""
        return [guest_id for guest_id in self.secrets if self.is_guest(guest_id)]

    def check_guest(self, guest_id: UUID, secret: str) -> None:
        """Raise 403 unless the request shows the secret of this guest."""
        if not self.is_guest(guest_id, secret):
            raise refusal(403, "Forbidden")

    def answer(self, body: Json) -> Json | Reply:
        """An answer with the cookies that go with it."""
        return Reply(bytes(body), cookies=self.cookies) if self.cookies else body


async def visit(request: AnyRequest, db: Database, *, password: str = "") -> Visit:
    """What a request proves. Raises NotFound for what is no token, TooManyRequests after too many wrong passwords."""
    token: str = request.path_params["token"]
    if not _TOKEN.fullmatch(token):
        raise no_such_link()
    cookies = request.cookies
    proofs = [proof] if (proof := keys.proof_in(token, cookies.get(_PASS_COOKIE, ""))) else []
    new_cookies = []
    shown = password or request.query_params.get("password") or request.headers.get(PASSWORD_HEADER, "")
    if shown and (right := await _proved(request, db, token, shown)) is not None:
        new_cookies = _cookies(request, token, _PASS_COOKIE, keys.new_pass(token, right), keys.PASS_LIFETIME)
        proofs.append(right)
    return Visit(token, proofs, _secrets(cookies), request.headers.get(SECRET_HEADER, ""), new_cookies)


async def _proved(request: AnyRequest, db: Database, token: str, password: str) -> str | None:
    """The proof of a right password; None for a wrong one, for a link without one, and without such a link."""
    token_hash = keys.hashed(token)
    link = await db.row(password_of_link, token=token, token_hash=token_hash)
    if link is not None and link["password"] is None:
        return None
    stored: str | None = None if link is None else link["password"]
    key = sha256("\0".join((token, password)).encode(errors="surrogatepass")).digest()
    if stored is not None and _known.get(key) == keys.proof_of(stored):
        return _known[key]
    guesses = Guesses(db, request)
    target = await guesses.of_secret("share-link", token_hash)
    _check_open(target.closed_for)
    if not await matches(password, None if stored is None else stored.encode(), guesses.network):
        _check_open(await guesses.wrong(target))
        return None
    assert stored is not None
    async with db.transaction() as tx:
        _check_open(await guesses.right(tx, target))
    proof = _known[key] = keys.proof_of(stored)
    if len(_known) > _MOST_KNOWN:
        _known.popitem(last=False)
    return proof


def _check_open(closed_for: int | None) -> None:
    if closed_for is None:
        return
    error = TooManyRequests("Too many wrong passwords for this link. Wait, then try again.")
    error.headers["retry-after"] = str(closed_for)
    raise error


def _secrets(cookies: dict[str, str]) -> dict[UUID, str]:
    shown = {}
    for name, value in cookies.items():
        if name.startswith(_GUEST_COOKIE):
            try:
                shown[UUID(name.removeprefix(_GUEST_COOKIE))] = value
            except ValueError:
                continue
    return shown


def guest_cookies(request: AnyRequest, token: str, guest_id: UUID) -> list[str]:
    """The `Set-Cookie` values by which a browser is a guest."""
    return _cookies(request, token, _GUEST_COOKIE + guest_id.hex, keys.guest_secret(guest_id), _GUEST_LIFETIME)


def _cookies(request: AnyRequest, token: str, name: str, value: str, age: int) -> list[str]:
    """For each path that browsers may know this link's addresses by."""
    secure = "; Secure" if is_https(request) else ""
    roots = [path.removesuffix("/auth/refresh-token") for path in settings().refresh_cookie_paths]
    return [
        f"{name}={value}; Path={root}/shared/playlists/{token}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
        for root in roots
    ]
