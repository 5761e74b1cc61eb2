"""Photos of a directory's people become their avatars. Source: spec operations, "LDAP sync"."""

import tempfile
from pathlib import Path

from pegbar.accounts.sign_on.ldap.photos import PHOTO, NewPhoto
from pegbar.config import settings
from pegbar.core.storage import disk_errors
from pegbar.media.avatars import PERSONS, show_as


@PHOTO.register()
async def show(photo: NewPhoto) -> None:
    """Make the avatar, as of any upload: whoever writes the directory may have put anything there."""
    with disk_errors():
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=settings().upload_folder, prefix="photo-")
    with scratch as folder:
        source = Path(folder) / "photo"
        with disk_errors():
            source.write_bytes(photo.content)
        await show_as(photo.db, None, PERSONS, photo.person_id, source, "photo.jpg")
