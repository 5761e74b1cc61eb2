"""What an answer costs compressed: `python -m bench.compression board.json`, a file that curl kept.

For each coding: milliseconds of processor time for each megabyte, the share that is left, and from how many Gbit/s
downwards the time that the network saves is more.
"""

import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import zstandard
from isal import isal_zlib


def _gzip(module: object, level: int) -> Callable[[bytes], bytes]:
    def pack(body: bytes) -> bytes:
        packer = module.compressobj(level, zlib.DEFLATED, 31)  # type: ignore[attr-defined]
        return bytes(packer.compress(body) + packer.flush())

    return pack


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip, ISA-L 1 (ours)": _gzip(isal_zlib, 1),
    "zstd 1 (ours)": lambda body: zstandard.ZstdCompressor(level=1).compress(body),
    "zstd 3": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip, zlib 1": _gzip(zlib, 1),
    "gzip, zlib 6": _gzip(zlib, 6),
}


def main() -> None:
    """Print a line for each coding, the best of five."""
    body = Path(sys.argv[1]).read_bytes()
    print(f"{len(body) / 1e6:.1f} MB")
    for name, pack in CODINGS.items():
        best = float("inf")
        for _ in range(5):
            started = time.process_time()
            packed = pack(body)
            best = min(best, time.process_time() - started)
        saved = (len(body) - len(packed)) * 8
        print(
            f"{name:22} {best / len(body) * 1e9:6.2f} ms/MB  {len(packed) / len(body):5.1%} left"
            f"  pays below {saved / best / 1e9:5.1f} Gbit/s"
        )


if __name__ == "__main__":
    main()
