"""The secrets of share links, all made from SECRET_KEY: a copy of the database alone opens nothing.

- The token of a link is stored as a keyed hash, by which it is found, and sealed, for those who share the playlist.
- A right password leaves a *pass*, signed and good for a while: browsers fetch pictures and movies with it.
- The secret of a guest is derived from their id, so that nothing needs to be kept of it.
"""

import hmac
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID, uuid4

from pegbar.core import sealing

#: Seconds that a pass is good for.
PASS_LIFETIME = 12 * 3600


def _key(purpose: str) -> bytes:
    return sealing.key_for(f"share links: {purpose}")


def new_token() -> str:
    """The token of a new link: random, in the form that clients know."""
    return str(uuid4())


def hashed(token: str) -> str:
    """A token as it is stored: its keyed hash, 64 characters."""
    return hmac.digest(_key("token"), token.encode(errors="surrogatepass"), "sha256").hex()


def seal(token: str, link_id: UUID) -> bytes:
    """A token that only this server's key opens, for this link alone."""
    return sealing.seal(_key("seal"), token, link_id)


def unseal(sealed: bytes, link_id: UUID) -> str | None:
    """The token; None when it was sealed with another SECRET_KEY."""
    return sealing.unseal(_key("seal"), sealed, link_id)


# Passwords


def proof_of(password_hash: str) -> str:
    """What stands for the password of a link whose stored hash this is, as the rule of links compares it (rule.py)."""
    return sha256(password_hash.encode()).hexdigest()


def new_pass(token: str, proof: str) -> str:
    """A pass for whoever knew the password."""
    until = int(time.time()) + PASS_LIFETIME
    return f"{until}.{proof}.{_signature(token, until, proof)}"


def proof_in(token: str, signed_pass: str) -> str | None:
    """The proof in a pass for this link; None when it is too old, or not of ours."""
    until, _, rest = signed_pass.partition(".")
    proof, _, signature = rest.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 12 and signature.isascii()):
        return None
    good = hmac.compare_digest(_signature(token, int(until), proof), signature)
    return proof if good and int(until) > time.time() else None


def _signature(token: str, until: int, proof: str) -> str:
    message = "\0".join((token, str(until), proof)).encode(errors="surrogatepass")
    return hmac.digest(_key("pass"), message, "sha256").hex()


# Guests


def guest_secret(guest_id: UUID) -> str:
    """What a guest must show, besides their id, to act as themselves."""
    return urlsafe_b64encode(hmac.digest(_key("guest"), guest_id.bytes, "sha256")).rstrip(b"=").decode()


def is_guest_secret(guest_id: UUID, shown: str) -> bool:
    """Whether this is the secret of a guest."""
    return hmac.compare_digest(guest_secret(guest_id).encode(), shown.encode(errors="surrogatepass"))
