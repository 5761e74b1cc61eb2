"""The NT hash of a password, for Active Directory's NTLM. Source: MS-NLMP 3.3.1 and RFC 1320 (MD4).

OpenSSL 3 has no MD4 any more, and Python none without OpenSSL. NTLM wants it for this alone.
"""

import struct
from collections.abc import Callable

_MASK = 0xFFFFFFFF
_Mix = Callable[[int, int, int], int]
#: Function, constant, order of the words and shifts of each round.
_ROUNDS: tuple[tuple[_Mix, int, tuple[int, ...], tuple[int, ...]], ...] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, tuple(range(16)), (3, 7, 11, 19)),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        (3, 5, 9, 13),
    ),
    (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def md4(data: bytes) -> bytes:
    """The MD4 digest, which is broken and fit for nothing but old protocols."""
    state = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    padded = data + b"\x80" + b"\0" * (-(len(data) + 9) % 64) + struct.pack("<Q", len(data) * 8)
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start : start + 64])
        a, b, c, d = state
        for mix, constant, order, shifts in _ROUNDS:
            for step, place in enumerate(order):
                total = (a + mix(b, c, d) + words[place] + constant) & _MASK
                shift = shifts[step % 4]
                a, b, c, d = d, (total << shift | total >> (32 - shift)) & _MASK, b, c
        state = tuple((old + new) & _MASK for old, new in zip(state, (a, b, c, d), strict=True))  # type: ignore[assignment]
    return struct.pack("<4I", *state)


def secret_of(password: str) -> str:
    """A password as ldap3 takes hashes: LM (none), colon, NT.

    Never hand it a password: one that looks like this would be taken for a hash, and a stolen hash for a password.
    """
    return f"{'0' * 32}:{md4(password.encode('utf-16-le', 'surrogatepass')).hex()}"
