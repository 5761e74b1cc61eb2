"""`pegbar files tree check`: whether a file tree makes paths, and which."""

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from pegbar.cli import As_json, UserError, app, out, print_json

files = App(name="files", help="Look at file trees.")
tree = App(name="tree", help="Look at file trees.")
app.command(files)
files.command(tree)


@tree.command
def check(
    file: Annotated[Path, Parameter(help="A JSON file, as `file_tree` of a production has it.")],
    /,
    *,
    json: As_json = False,
) -> None:
    """Check a file tree: show what is wrong and where, else an example of each path that it makes."""
    from pegbar.files.trees.examples import examples
    from pegbar.files.trees.tree import check as problems_of

    document = _read(file)
    problems = problems_of(document)
    paths = {} if problems else examples(document)
    if json:
        print_json({"problems": [{"place": p.place, "message": p.message} for p in problems], "examples": paths})
    else:
        for place, path in paths.items():
            out.print(f"{place:<24}{path}", markup=False)
    if problems:
        lines = "" if json else "\n" + "\n".join(str(problem) for problem in problems)
        plural = "problem" if len(problems) == 1 else "problems"
        raise UserError(f"{file}: {len(problems)} {plural}{lines}")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{file} is not text in UTF-8.") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}") from None
