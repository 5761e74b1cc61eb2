"""The way to any moment: the write-ahead log of the embedded database, kept in the vault with the backups.

PostgreSQL puts a copy of each segment of its log, as soon as it is full or some minutes old, into a folder beside the
database (`EmbeddedPostgres.keep_log`). A process of `pegbar serve` (`shipping.py`) packs them there, brings them into
the vault (`shelf.py`) with what was stored meanwhile, and removes them. A backup made there holds a *base*: the files
of the database's folder (`base.py`). From a base and the segments since, `recovering.py` makes any moment between:

    log/7679184467283/000000010000000000000003          a segment of the log of the database with this number, packed
    log/7679184467283/files/20261130T084457123456Z      files that were stored since the list before
"""
