"""What paths a tree makes, of an invented production."""

from typing import Any

from pegbar.files.trees.rendering import Facts, NothingThere, path_of
from pegbar.files.trees.tree import KINDS, Mode


def _thing(name: str, number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"00000000-0000-4000-8000-{number:012d}", "name": name, **more}


_ABOVE = {"Shot": ("SQ010", "E01"), "Scene": ("SQ010", "E01"), "Sequence": ("E01", None)}
_ENTITIES = {"shot": "SH0100", "scene": "SC01", "sequence": "SQ010", "episode": "E01", "asset": "Élise's cat"}


def _facts(kind: str) -> Facts:
    """The facts of an invented file of a kind."""
    of_instance = kind.startswith("instance")
    sits_in = {"instance": "shot", "instance_asset": "asset"}.get(kind, kind)
    parent, grandparent = _ABOVE.get(sits_in.capitalize(), (None, None))
    character = _thing("Character", 3, short_name="chr")
    entity = _thing("House" if kind == "instance_asset" else _ENTITIES[sits_in], 2)
    return Facts(
        kind=kind,
        project=_thing("Big Film", 1),
        entity=entity,
        entity_kind=sits_in.capitalize(),
        entity_type=character if sits_in == "asset" else _thing(sits_in.capitalize(), 4, short_name=None),
        parent=None if parent is None else _thing(parent, 5),
        grandparent=None if grandparent is None else _thing(grandparent, 6),
        asset=_thing(_ENTITIES["asset"], 7) if of_instance else entity,
        asset_type=character if of_instance or sits_in == "asset" else None,
        instance={**_thing("Cat_0001", 8), "number": 1} if of_instance else None,
        task=_thing("main", 9),
        task_type=_thing("Animation", 10, short_name="anim"),
        department=_thing("Animation", 11),
        software=_thing("Blender", 12, short_name="blender"),
        output_type=_thing("Geometry", 13, short_name="geo"),
        name="main",
        representation="abc",
        revision=1,
    )


def examples(tree: dict[str, Any]) -> dict[str, str]:
    """`{"<mode>/<kind>": path}` for each kind of each mode of a tree without problems."""
    paths = {}
    for mode_name in tree:
        kinds = Mode(tree, mode_name).kinds()
        for kind in (kind for kind in KINDS if kind in kinds):
            try:
                paths[f"{mode_name}/{kind}"] = path_of(tree, mode_name, _facts(kind)).full("/")
            except NothingThere as error:
                paths[f"{mode_name}/{kind}"] = f"(none: {error})"
    return paths


__all__ = ["examples"]
