"""Backups: a consistent copy of the database and the stored files, made while people work, and its way back.

A *vault* (`vault.py`) is a folder or a bucket; an *archive* (`archive.py`) is what lies in it:

    archive.json                   the format, and how it is sealed
    backups/20261130T005312Z.json       a backup: what it holds; written last, so that one that ended half is not listed
    backups/20261130T005312Z.database   its rows, as pg_dump writes them
    backups/20261130T005312Z.files      its list of files
    files/ab/abcd…                 the files of all backups, each content once

Rows are those of one snapshot. A file is stored before its row is committed, and while a backup runs nothing is purged
(`core/storage/register.py`), so that each file which a row of the snapshot names is there to be copied after it.
"""
