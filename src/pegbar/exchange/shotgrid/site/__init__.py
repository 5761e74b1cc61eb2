"""A studio comes over from its ShotGrid site: `pegbar import shotgrid` (docs/shotgrid.md).

`client.py` reads the site, `mapping.py` says what becomes what, `records.py` turns what was read into the records that
scripts send to `/import/shotgun/*`, `importing.py` goes through the kinds in their order, and `report.py` tells what
came of it. What those records do not hold is in `details.py`, `talk.py` and `movies.py`.
"""
