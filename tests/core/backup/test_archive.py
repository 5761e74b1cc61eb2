"""What seals, keeps and reads back: without a server."""

import errno
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pegbar.core.backup import sealing, vault
from pegbar.core.backup.archive import Archive, Backup, File, Rows, verify
from pegbar.core.backup.sealing import Damaged, Seal, make_key, sealed_size
from pegbar.core.backup.vault import FolderVault
from pegbar.core.errors import CannotRun

#: A machine that is busy with other things is no fault of what is tested.
PATIENT = settings(suppress_health_check=[HealthCheck.too_slow])
KEY = Seal(b"k" * 32)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "PIECE", 16)


@st.composite
def cut(draw: st.DrawFn) -> list[bytes]:
    return draw(st.lists(st.binary(max_size=40), max_size=5))


@PATIENT
@given(cut(), st.integers(1, 50))
def test_what_is_sealed_comes_back_however_it_is_cut(chunks: list[bytes], size: int) -> None:
    plain = b"".join(chunks)
    sealed = b"".join(KEY.close("a", chunks))
    assert len(sealed) == sealed_size(len(plain))
    assert b"".join(KEY.open("a", [sealed[at : at + size] for at in range(0, len(sealed), size)])) == plain
    assert len(plain) < 8 or plain not in sealed[48:]


@PATIENT
@given(cut(), st.data())
def test_whatever_is_changed_is_noticed(chunks: list[bytes], data: st.DataObject) -> None:
    sealed = b"".join(KEY.close("a", chunks))
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = data.draw(
        st.sampled_from([sealed[:at], sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], sealed + sealed[-16:]])
    )
    with pytest.raises(Damaged):
        list(KEY.open("a", [changed]))


def test_pieces_do_not_change_places_nor_objects_names_nor_keys() -> None:
    sealed = b"".join(KEY.close("a", [b"x" * 48]))
    head, pieces = sealed[:48], [sealed[at : at + 32] for at in range(48, len(sealed), 32)]
    assert len(pieces) == 3
    for swapped in ([pieces[1], pieces[0], pieces[2]], pieces[:2], [*pieces, pieces[2]]):
        with pytest.raises(Damaged):
            list(KEY.open("a", [head, *swapped]))
    for seal, path in ((KEY, "b"), (Seal(b"l" * 32), "a")):
        with pytest.raises(Damaged, match="damaged or was changed"):
            list(seal.open(path, [sealed]))


def test_a_key_is_made_once_for_its_owner_alone_and_others_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Seal.of_file(path).digest("x") != KEY.digest("x")
    with pytest.raises(CannotRun, match="is there already"):
        make_key(path)
    path.write_text("c2hvcnQ=")
    for wrong, reason in ((path, "holds no backup key"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(CannotRun, match=reason):
            Seal.of_file(wrong)


def _write(archive: Archive, name: str, *contents: bytes) -> Backup:
    files = []
    for content in contents:
        digest = hashlib.sha256(content).hexdigest()
        archive.write(archive.path_of(digest), [content])
        files.append(File("files", f"attachments-{digest[:8]}", len(content), "1", digest))
    size, digest = archive.write(f"backups/{name}.database", [b"rows"])
    listing = archive.write_files(name, files)
    rows = Rows(size, digest, "18", None)
    backup = Backup(name, name, name, "0", rows, len(files), sum(f.size for f in files), listing, 0, {})
    archive.list_backup(backup)
    return backup


@pytest.mark.parametrize("seal", [None, KEY], ids=["plain", "sealed"])
def test_contents_are_kept_once_and_go_with_the_last_backup_that_has_them(tmp_path: Path, seal: Seal | None) -> None:
    archive = Archive(FolderVault(tmp_path / "a"), seal)
    archive.begin()
    with archive.held("backup"):
        first, second = _write(archive, "1", b"old", b"both"), _write(archive, "2", b"both", b"new")
        archive.write("backups/3.database", [b"of a backup that was killed"])
        assert archive.names() == ["1", "2"]
        assert len(archive.contents()) == 3
        assert verify(archive, second, len) == []
        archive.remove(["1"])
        assert archive.sweep()[0] == 2  # its own content, and what the killed one left
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "a").rglob("*")} == {0}
    assert archive.backup("2") == second
    with pytest.raises(CannotRun, match="no backup '1'"):
        archive.backup(first.name)
    names = "".join(str(path) for path in (tmp_path / "a").rglob("*"))
    assert (hashlib.sha256(b"new").hexdigest() in names) == (seal is None)


@pytest.mark.parametrize("seal", [None, KEY], ids=["plain", "sealed"])
@pytest.mark.parametrize("kind", ["files/*/*", "backups/1.files", "backups/1.json"])
@pytest.mark.parametrize("harm", ["changed", "cut", "gone"])
def test_a_tampered_archive_is_found_out(tmp_path: Path, seal: Seal | None, kind: str, harm: str) -> None:
    archive = Archive(FolderVault(tmp_path), seal)
    archive.begin()
    with archive.held("backup"):
        backup = _write(archive, "1", b"content of some length")
    if (seal, kind, harm) == (None, "backups/1.json", "changed"):
        pytest.skip("without a key anybody may write a backup of their own")
    (path,) = tmp_path.glob(kind)
    whole = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] if harm == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
    if kind == "backups/1.json":
        with pytest.raises(CannotRun, match="no backup" if harm == "gone" else "damaged"):
            archive.backup("1")
    else:
        (fault,) = verify(archive, backup, len)
        assert "missing" in fault or "damaged" in fault


def test_another_key_none_or_one_too_many_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    sealed, plain = FolderVault(tmp_path / "sealed"), FolderVault(tmp_path / "plain")
    Archive(sealed, KEY).begin()
    Archive(plain, None).begin()
    for kept, seal, reason in (
        (sealed, Seal(b"l" * 32), "not the one"),
        (sealed, None, "are encrypted"),
        (plain, KEY, "are not encrypted"),
        (FolderVault(tmp_path / "nothing"), None, "There are no backups there"),
    ):
        with pytest.raises(CannotRun, match=reason):
            Archive(kept, seal).check()


def test_a_folder_of_somebody_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "mine").write_text("mine")
    with pytest.raises(CannotRun, match="choose an empty place"):
        Archive(FolderVault(tmp_path), None).begin()
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_one_writes_at_a_time_and_the_hold_of_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    one, other = (Archive(FolderVault(tmp_path), None) for _ in range(2))
    one.begin()
    with one.held("backup"):
        with pytest.raises(CannotRun, match=r"A backup is under way there since .*process"), other.held("removal"):
            pass
        assert (tmp_path / "writer/hold.json").exists()
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    hold = {"host": os.uname().nodename, "process": int(gone.stdout), "began_at": "then", "purpose": "backup"}
    (tmp_path / "writer/hold.json").write_bytes(msgspec.json.encode(hold))
    with other.held("removal"):
        hold["host"] = "elsewhere"
        (tmp_path / "writer/hold.json").write_bytes(msgspec.json.encode(hold))
        with pytest.raises(CannotRun, match="took the place over"):
            _write(other, "1", b"")
        with pytest.raises(CannotRun, match="on elsewhere"), one.held("backup"):
            pass
    assert one.names() == []
    os.utime(tmp_path / "writer/hold.json", (0, 0))
    with one.held("backup"):
        pass
    assert not (tmp_path / "writer/hold.json").exists()


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = FolderVault(tmp_path)

    def filling() -> Iterator[bytes]:
        yield b"some"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CannotRun, match="disk of the backups is full"):
        kept.put("files/a", filling())
    assert list((tmp_path / "files").iterdir()) == []


def test_what_is_no_place_for_backups_is_refused() -> None:
    for wrong, reason in (("ftp://host/x", "no place for backups"), ("s3:///x", "names no bucket")):
        with pytest.raises(CannotRun, match=reason):
            vault.vault_of(wrong)
