"""The log in a vault, without a server: names, packing, what is kept and what goes, which copy of a file was there."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pegbar.core.backup.archive import Archive, Backup, Base, File, Rows
from pegbar.core.backup.log import recovering
from pegbar.core.backup.log.segments import SEGMENT_SIZE, after, chain, is_kept, packed, unpacked, write_sparse
from pegbar.core.backup.log.shelf import Conflict, Shelf, shown, sweep, systems
from pegbar.core.backup.sealing import Damaged, Seal
from pegbar.core.backup.vault import FolderVault
from pegbar.core.errors import CannotRun

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
KEY = Seal(b"k" * 32)


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number >> 8:08X}{number & 0xFF:08X}"


def whole(number: int, timeline: int = 1, content: bytes = b"log", last: datetime | None = None) -> bytes:
    return b"".join(packed(segment(number, timeline), content, last))


def test_segments_follow_each_other_also_where_a_number_is_full() -> None:
    assert after("0000000200000001000000FE") == "0000000200000001000000FF"
    assert after("0000000200000001000000FF") == "000000020000000200000000"
    there = [segment(number) for number in (254, 255, 256, 258)]
    assert chain(segment(254), there) == there[:3]
    assert chain(segment(257), there) == []
    kept = ("000000020000000200000000", "00000002.history")
    left = ("000000020000000200000000.partial", "archtemp.1", "000000020000000200000000.00000028.backup", "seconds")
    assert [is_kept(name) for name in (*kept, *left)] == [True] * 2 + [False] * 4


def test_what_is_packed_comes_back_and_damage_is_found() -> None:
    content = b"some log" * 1000 + bytes(5000)
    one = b"".join(packed("a", content, NOON))
    head, plain = unpacked([one[:10], one[10:]], "a")
    assert (head.name, head.last, head.size, plain) == ("a", NOON, len(content), content)
    assert len(one) < 400
    for wrong in (one[:-1], one[:-9] + bytes([one[-9] ^ 1]) + one[-8:], b"", b"x" * 100_000):
        with pytest.raises(Damaged):
            unpacked([wrong], "a")


def test_what_is_empty_of_a_segment_takes_no_room(tmp_path: Path) -> None:
    content = b"x" * 100_000 + bytes(SEGMENT_SIZE - 100_001) + b"y"
    write_sparse(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == content
    write_sparse(tmp_path / "b", bytes(SEGMENT_SIZE))
    assert (tmp_path / "b").stat().st_size == SEGMENT_SIZE
    assert (tmp_path / "b").stat().st_blocks * 512 < SEGMENT_SIZE / 10


def listed(archive: Archive, name: str, base: Base | None, at: datetime, *contents: bytes) -> Backup:
    files = [File("files", content.decode(), len(content), "", _digest(content)) for content in contents]
    for content in contents:
        archive.write(archive.path_of(_digest(content)), [content])
    listing = archive.write_files(name, files)
    rows = Rows(0, "", "18.1", None)
    moments = at.isoformat(), (at + timedelta(minutes=1)).isoformat()
    backup = Backup(name, *moments, "0", rows, len(files), 0, listing, 0, {}, base)
    archive.list_backup(backup)
    return backup


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def base_of(start: int, ended_at: datetime, system: str = "7", timeline: int = 1) -> Base:
    names = segment(start, timeline), segment(start + 1, timeline)
    return Base(0, "", 0, system, timeline, *names, ended_at)


@pytest.mark.parametrize("seal", [None, KEY], ids=["plain", "sealed"])
def test_nobody_writes_over_the_log_of_another(tmp_path: Path, seal: Seal | None) -> None:
    archive = Archive(FolderVault(tmp_path), seal)
    archive.begin()
    shelf = Shelf(archive, "7")
    shelf.keep(segment(3), whole(3))
    shelf.keep(segment(3), whole(3))  # killed before it was removed where it came from
    with pytest.raises(Conflict, match="PEGBAR_BACKUP_TO"):
        shelf.keep(segment(3), whole(3, content=b"of another"))
    assert shelf.read(segment(3))[1] == b"log"
    Shelf(archive, "8").keep(segment(3), whole(3, content=b"of another"))
    assert systems(archive) == ["7", "8"]


def test_moments_reach_to_the_last_commit_before_a_gap(tmp_path: Path) -> None:
    archive = Archive(FolderVault(tmp_path), None)
    archive.begin()
    shelf = Shelf(archive, "7")
    with archive.held("backup"):
        listed(archive, "1", base_of(4, NOON), NOON)
    with pytest.raises(CannotRun, match="No moment is possible yet"):
        recovering.find(archive, NOON, None)
    for number, minutes in ((5, 1), (6, 2), (7, None), (9, 9)):
        last = None if minutes is None else NOON + timedelta(minutes=minutes)
        shelf.keep(segment(number), whole(number, last=last))
    (one,) = recovering.possible(archive)
    assert (one.segments, one.broken) == ([segment(number) for number in (5, 6, 7)], True)
    assert one.until == NOON + timedelta(minutes=2)
    assert recovering.find(archive, NOON + timedelta(seconds=119), None).backup.name == "1"
    for moment, reason in (
        (NOON - timedelta(seconds=1), "is before"),
        (NOON + timedelta(minutes=2), f"is behind a gap in the log, after {segment(7)}"),
    ):
        with pytest.raises(CannotRun, match=f"{reason}.*Possible: 2026-11-30T12:00:01Z to 2026-11-30T12:02:00Z"):
            recovering.find(archive, moment, None)
    with archive.held("backup"):
        listed(archive, "2", None, NOON)
    with pytest.raises(CannotRun, match="The backup 2 leads to no moment"):
        recovering.find(archive, NOON, "2")


def test_log_and_files_go_with_the_backups_that_need_them(tmp_path: Path) -> None:
    archive = Archive(FolderVault(tmp_path), None)
    archive.begin()
    shelf = Shelf(archive, "7")
    with archive.held("backup"):
        listed(archive, "1", base_of(2, NOON), NOON, b"first")
        listed(archive, "2", base_of(6, NOON + timedelta(days=1)), NOON + timedelta(days=1), b"second")
        for number in range(1, 9):
            shelf.keep(segment(number), whole(number))
        shelf.keep("00000002.history", b"".join(packed("00000002.history", b"1")))
        Shelf(archive, "8").keep(segment(9), whole(9))  # of a database that no backup is of
        for days, content in ((0.5, b"between"), (1.5, b"after")):
            archive.write(archive.path_of(_digest(content)), [content])
            shelf.list_files(NOON + timedelta(days=days), [File("files", "a", 5, "", _digest(content))])
        assert sweep(archive)[0] == 2
        assert shelf.segments(1) == [segment(number) for number in range(2, 9)]
        assert len(archive.contents()) == 4
        archive.remove(["1"])
        sweep(archive)
    assert shelf.names() == [*(segment(number) for number in (6, 7, 8)), "00000002.history"]
    assert [shown(at) for at, _ in shelf.file_lists()] == ["2026-12-02T00:00:00Z"]
    assert set(archive.contents()) == {archive.path_of(_digest(content)) for content in (b"second", b"after")}


def test_the_copy_of_a_file_is_the_first_after_it_was_written() -> None:
    def copy(minutes: int, size: int) -> tuple[datetime, File]:
        return NOON + timedelta(minutes=minutes), File("files", "a", size, "", str(minutes))

    copies = [copy(0, 5), copy(10, 5), copy(20, 6), copy(30, 5)]
    for size, minutes, digest in (
        (5, 5, "10"),
        (5, -5, "0"),
        (6, 15, "20"),
        (5, 15, "30"),
        (5, 40, "30"),
        (9, 0, "30"),
    ):
        file = recovering._version(copies, size, NOON + timedelta(minutes=minutes))
        assert file is not None
        assert (size, minutes, file.digest) == (size, minutes, digest)
    assert recovering._version([], 5, NOON) is None
