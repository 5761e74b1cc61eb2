"""What share links have of Pegbar's own."""

from sqlalchemy import LargeBinary

from pegbar.core.data.schema import TIMESTAMP, BigInteger, Boolean, Column, Integer, String, own_table, reference


def _of_link() -> Column[object]:
    return reference("playlist_share_link", on_delete="CASCADE", index=False, primary_key=True, goes="with", made=False)


#: A link's token, sealed (keys.py): null for one made by another server, whose own row holds it plainly. Rights that
#: are null follow from those that every Kitsu server knows.
share_link = own_table(
    "share_link",
    _of_link(),
    Column("sealed_token", LargeBinary),
    Column("can_annotate", Boolean),
    Column("can_download", Boolean),
    Column("label", String(200)),
)

#: What guests did by a link, by the hour.
share_usage = own_table(
    "share_usage",
    _of_link(),
    Column("hour", TIMESTAMP, primary_key=True),
    Column("guests", Integer, nullable=False),
    Column("comments", Integer, nullable=False),
    Column("drawings", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
)
