"""Folders are given as people give them: relative to where they stand."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
from pegbar.config import settings

print(*(folder.is_absolute() for folder in (settings().storage_folder, settings().upload_folder)))
"""


def test_programs_that_work_elsewhere_find_the_files(tmp_path: Path) -> None:
    for environment in ({}, {"PEGBAR_DATA": "here"}, {"PREVIEW_FOLDER": "pictures", "TMP_DIR": "tmp"}):
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert ran.stdout == "True True\n", environment
