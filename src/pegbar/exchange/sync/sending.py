"""The files of rows that were pushed: sent where the other server lacks them, which makes its own pictures of them.

Attachments are rows of their own there: `add-attachment` of their comment makes them, and their id there is kept.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.storage import Address, fetch
from pegbar.exchange.sync import queries
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.remote import Refusal, Remote
from pegbar.exchange.sync.report import Report, Watcher
from pegbar.media import addresses
from pegbar.tasks.comments import attachments

_PREVIEWS = sql("SELECT id, extension, original_name FROM preview_file t WHERE status <> 'processing' ORDER BY id")
_BACKGROUNDS = sql("SELECT id, extension FROM preview_background_file t ORDER BY id")
_ATTACHMENTS = sql(
    """
    SELECT a.id, a.name, a.comment_id, c.object_id AS task_id
      FROM attachment_file a JOIN comment c ON c.id = a.comment_id
     WHERE NOT EXISTS (SELECT 1 FROM pegbar.sync_id i
                        WHERE i.peer_id = :peer_id AND i.table_name = 'attachment_file' AND i.here = a.id)
       AND NOT EXISTS (SELECT 1 FROM pegbar.sync_row s
                        WHERE s.peer_id = :peer_id AND s.table_name = 'attachment_file' AND s.row_id = a.id)
       AND EXISTS (SELECT 1 FROM unnest(:ids ::uuid[]) AS sent (id) WHERE sent.id = c.id)
     ORDER BY a.created_at, a.id
    """
)


@dataclass
class Sender:
    """Sends the files that another server lacks."""

    db: Database
    remote: Remote
    peer: Peer
    report: Report
    watcher: Watcher
    #: By table: the ids here of the rows that are there, and their ids there.
    there: dict[str, dict[str, str]]

    async def send(self) -> None:
        """Send previews, pictures of people and productions, and attachments."""
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="upload-", dir=settings().upload_folder) as folder:
            await self._previews(Path(folder))
            await self._avatars(Path(folder))
            await self._attachments(Path(folder))

    async def _previews(self, folder: Path) -> None:
        rows = [row for row in await self.db.rows(_PREVIEWS) if str(row["id"]) in self.there.get("preview_file", {})]
        self.watcher.begin("files", len(rows))
        for row in rows:
            extension = (row["extension"] or "").lower()
            if extension in addresses.MOVIES:
                sources = [addresses.movie("source", row["id"]), addresses.movie("previews", row["id"])]
                path = f"/movies/originals/preview-files/{row['id']}.mp4"
            elif extension in addresses.PICTURES:
                sources = [addresses.picture("original", row["id"])]
                path = f"/pictures/originals/preview-files/{row['id']}.png"
            else:
                sources = [addresses.other(row["id"])]
                path = f"/pictures/originals/preview-files/{row['id']}.{extension}"
            if extension and extension.isalnum():
                name = f"{row['original_name'] or 'preview'}.{extension}"
                await self._send(sources, path, f"/pictures/preview-files/{row['id']}", name, folder)
            self.watcher.advance("files", 1)
        self.watcher.end("files")

    async def _avatars(self, folder: Path) -> None:
        for table, plural in (("person", "persons"), ("project", "projects"), ("organisation", "organisations")):
            known = self.there.get(table, {})
            for row_id in await self.db.column(_WITH_AVATAR[table]):
                if str(row_id) in known:
                    path = f"/pictures/thumbnails/{plural}/{known[str(row_id)]}"
                    source = addresses.picture("thumbnails", row_id)
                    await self._send([source], f"{path}.png", path, "picture.png", folder)
        known = self.there.get("preview_background_file", {})
        for row in await self.db.rows(_BACKGROUNDS):
            extension = (row["extension"] or "").lower()
            if str(row["id"]) in known and extension.isalnum():
                path = f"/pictures/preview-background-files/{known[str(row['id'])]}"
                source = addresses.picture("preview-backgrounds", row["id"])
                await self._send([source], f"{path}.{extension}", path, f"background.{extension}", folder)

    async def _attachments(self, folder: Path) -> None:
        ids = [UUID(comment_id) for comment_id in self.there.get("comment", {})]
        for row in await self.db.rows(_ATTACHMENTS, peer_id=self.peer.id, ids=ids):
            path = f"/actions/tasks/{row['task_id']}/comments/{row['comment_id']}/add-attachment"
            answer = await self._upload([attachments.address(row["id"])], path, row["name"] or "file", folder)
            made = answer[0].get("id") if isinstance(answer, list) and answer and isinstance(answer[0], dict) else None
            if made is not None:
                async with self.db.transaction() as tx:
                    await tx.execute(
                        queries.note_id,
                        peer_id=self.peer.id,
                        table_name="attachment_file",
                        here=row["id"],
                        there=UUID(str(made)),
                    )

    async def _send(self, sources: list[Address], known_at: str, path: str, name: str, folder: Path) -> None:
        try:
            if await self.remote.size(known_at) is not None:
                self.report.files_known += 1
                return
        except Refusal as refusal:
            self.report.problem(str(refusal))
            return
        await self._upload(sources, path, name, folder)

    async def _upload(self, sources: list[Address], path: str, name: str, folder: Path) -> Any:
        file = folder / "file"
        for source in sources:
            if await fetch(source, file):
                break
        else:
            return None
        try:
            answer = await self.remote.upload(path, file, name)
        except Refusal as refusal:
            self.report.problem(str(refusal))
            return None
        self.report.files += 1
        self.report.bytes += file.stat().st_size
        return answer


_WITH_AVATAR = {
    table: sql(f"SELECT id FROM public.{table} WHERE has_avatar ORDER BY id")  # noqa: S608 - names of ours
    for table in ("person", "project", "organisation")
}
