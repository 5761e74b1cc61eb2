"""Paths made from the templates of a file tree, and read back; trees checked."""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pegbar.core.slugs import slug
from pegbar.files.trees.examples import examples
from pegbar.files.trees.guessing import Catalogue, Row, Tasked, matches, resolved
from pegbar.files.trees.rendering import Facts, NothingThere, file_name_of, folder_of, path_of
from pegbar.files.trees.shipped import NAMES, shipped_tree
from pegbar.files.trees.tree import MalformedTree, check

TREE: dict[str, Any] = {
    "working": {
        "mountpoint": "/mnt/Shows",
        "root": "prod",
        "folder_path": {
            "shot": "<Project>/Film/<Episode>/s_<Sequence>_x/<Shot>/<TaskType>/<Task>/<Name>",
            "asset": "<Project>/Lib/<AssetType>/<Asset>/<TaskType>/<OutputType>/v<Version>",
            "style": "lowercase",
        },
        "file_name": {"shot": "<Shot>_v<Version>", "asset": "<Asset>_<Asset.id>", "style": "uppercase"},
    },
}


def thing(name: str | None, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "name": name, **more}


def shot(project: str = "Show", episode: str = "E01", sequence: str = "SQ01", name: str = "SH01") -> Facts:
    return Facts(
        kind="shot",
        project=thing(project),
        entity=thing(name),
        entity_kind="Shot",
        entity_type=thing("Shot", short_name=None),
        parent=thing(sequence),
        grandparent=thing(episode) if episode else None,
        asset=thing(name),
        task=thing("main"),
        task_type=thing("Animation", short_name=None),
        name="main",
        revision=7,
    )


def one(folder: str, facts: Facts | None = None, *, style: str = "lowercase", sep: str = "/") -> str:
    """The folder of a shot by one template."""
    tree = {"m": {"mountpoint": "/p", "root": "", "folder_path": {"shot": folder, "style": style}, "file_name": {}}}
    return folder_of(tree, "m", facts or shot(), sep)


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("<Project>/LIT/<Shot>", "/p/show/LIT/sh01"),
        ("<Episode>/<Sequence>", "/p/e01/sq01"),
        ("v<Version>-<Revision>", "/p/v007-007"),
        ("<not a token>/<Name>", "/p/<not a token>/main"),
        ("<TaskType.colour>", "/p/animation"),
        ("<TaskType.short_name>", "/p/<TaskType.short_name>"),
        ("<AssetType", "/p/<AssetType"),
        ("a//<Representation>/<Instance>", "/p/a///"),
        ("", "/p/"),
    ],
)
def test_tokens_are_replaced_and_other_text_is_left(template: str, folder: str) -> None:
    assert one(template) == folder


def test_folders_have_the_separator_that_was_asked_for_and_the_style_of_the_tree() -> None:
    assert one("<Project>/x/<Shot>", sep="\\", style="uppercase") == "/p\\SHOW\\x\\SH01"
    assert one("<Project>/<Shot>", style="anything") == "/p/show/sh01"


def test_ids_stay_as_they_are() -> None:
    facts = shot()
    assert one("<Shot.id>", facts, style="uppercase") == f"/p/{facts.entity['id']}"
    tree = {"m": {"mountpoint": "", "root": "", "file_name": {"shot": "<Shot.id>_<Name>", "style": "uppercase"}}}
    assert file_name_of(tree, "m", facts) == f"{facts.entity['id']}_MAIN"


def test_the_first_characters_of_a_sequence_that_says_so_are_short() -> None:
    assert one("<Sequence>", shot(sequence="Seq1")) == "/p/s001"
    assert one("<Sequence>", shot(sequence="Sq1")) == "/p/sq1"


def test_a_production_without_episodes_has_the_first() -> None:
    assert one("<Episode>", shot(episode="")) == "/p/e001"


def test_what_a_shot_lacks_is_told_apart_from_a_bad_tree() -> None:
    with pytest.raises(NothingThere, match="has no sequence"):
        one("<Sequence>", replace(shot(), parent=None))
    with pytest.raises(NothingThere, match="no department"):
        one("<Department>", shot())
    with pytest.raises(NothingThere, match="is no asset"):
        one("<AssetType>", shot())


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        (None, "No tree can be found"),
        ([], "no JSON object"),
        ({}, "Mode m cannot be found"),
        ({"m": 1}, "m: a mode is"),
        ({"m": {"root": ""}}, "m/mountpoint"),
        ({"m": {"mountpoint": "", "root": 1}}, "m/root"),
        ({"m": {"mountpoint": "", "root": ""}}, "m/folder_path"),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"style": ""}}}, "m/folder_path/shot"),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"shot": 4}}}, "m/folder_path/shot"),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"shot": "<Shto>"}}}, "m/folder_path/shot/<Shto>"),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"shot": "<>"}}}, "m/folder_path/shot/<>"),
        (
            {"m": {"mountpoint": "", "root": "", "folder_path": {"shot": "<Project.number>"}}},
            "m/folder_path/shot/<Project.number>",
        ),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"shot": "<Software>"}}}, "m/folder_path/shot/<Software>"),
        ({"m": {"mountpoint": "", "root": "", "folder_path": {"shot": ""}}}, "m/file_name"),
    ],
)
def test_a_malformed_tree_says_where(tree: Any, place: str) -> None:
    with pytest.raises(MalformedTree, match=place.replace("<>", "<>")):
        path_of(tree, "m", shot())


def test_all_problems_of_a_tree_are_found_with_their_places() -> None:
    tree = {
        "a": {
            "mountpoint": "/p",
            "folder_path": {"shot": "<Shto>/<Asset.number>", "cat": "x", "style": 1},
            "file_name": {"shot": "x", "asset": 3},
        },
        "b": [],
    }
    assert [problem.place for problem in check(tree)] == [
        "a/root",
        "a/folder_path/shot/<Shto>",
        "a/folder_path/shot/<Asset.number>",
        "a/folder_path/cat",
        "a/folder_path/style",
        "a/file_name/asset",
        "a/folder_path/asset",
        "b",
    ]
    assert check([])
    assert check({})
    assert check(TREE) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_tree_makes_a_path_of_every_kind(name: str) -> None:
    tree = shipped_tree(name)
    assert tree is not None
    assert check(tree) == []
    paths = examples(tree)
    assert {"working/shot", "output/sequence", "preview/scene", "output/asset"} <= paths.keys()
    assert all(path.startswith("/simple/productions/") for path in paths.values())


def test_the_shipped_trees_say_what_their_specification_says() -> None:
    simple, default = shipped_tree("simple"), shipped_tree("default")
    assert simple is not None
    assert default is not None
    assert examples(simple)["output/instance"] == (
        "/simple/productions/export/big_film/shot/sq010/sh0100/animation/geometry/character/elise_s_cat/instance_0001/abc/"
        "big_film_sq010_sh0100_animation_geometry_main_cat_0001_v001"
    )
    assert examples(default)["output/sequence"].endswith(
        "/big_film/sequences/sq010/geometry/big_film_sq010_geometry_main"
    )
    assert shipped_tree("../simple") is None


# Back from a path

_NAMES = st.text(
    st.one_of(st.sampled_from("-_ .'éÉñß%Ωa1Z"), st.characters(min_codepoint=33, max_codepoint=0x24F)),
    min_size=1,
    max_size=12,
).filter(lambda name: bool(slug(name)))


def row(item: Any, type_id: str | None = None, parent: Any = None) -> Row:
    return Row(item["id"], item["name"], type_id, parent["id"] if parent else None)


def guessed(tree: Any, path: str, catalogue: Catalogue, sep: str = "/") -> list[dict[str, str]]:
    return [resolved(match, catalogue) for match in matches(tree, path, sep)]


@given(_NAMES, _NAMES, _NAMES, _NAMES, _NAMES, _NAMES, st.sampled_from(["/", "\\", ":"]), st.booleans())
@example("A_b", "é-1", "Seq1", "sh.1", "x", "100%_", "/", True)
def test_a_path_of_a_shot_is_about_what_it_was_made_from(
    project: str, episode: str, sequence: str, name: str, task_type: str, task: str, sep: str, with_episode: bool
) -> None:
    facts = replace(
        shot(project, episode if with_episode else "", sequence, name),
        task_type=thing(task_type, short_name=None),
        task=thing(task),
    )
    assume(not with_episode or slug(episode) != "e001")
    assert facts.task_type is not None
    assert facts.task is not None
    assert facts.parent is not None
    entities = {
        "Episode": [row(facts.grandparent)] if facts.grandparent else [],
        "Sequence": [row(thing(sequence), parent=thing("Elsewhere")), row(facts.parent, None, facts.grandparent)],
        "Shot": [row(thing(name), parent=thing("Elsewhere")), row(facts.entity, None, facts.parent)],
    }
    if not with_episode:
        entities["Sequence"].pop(0)
    catalogue = Catalogue(
        project=row(facts.project),
        task_types=[row(facts.task_type)],
        entities=entities,
        tasks=[Tasked(facts.task["id"], task, facts.entity["id"], facts.task_type["id"])],
    )
    path = folder_of(TREE, "working", facts, sep)
    expected = {
        "Template": "shot",
        "Project": facts.project["id"],
        "Sequence": facts.parent["id"],
        "Shot": facts.entity["id"],
        "TaskType": facts.task_type["id"],
        "Task": facts.task["id"],
        "Name": "main",
    }
    if facts.grandparent is not None:
        expected["Episode"] = facts.grandparent["id"]
    assert guessed(TREE, path, catalogue, sep) == [expected]


@given(_NAMES, _NAMES, _NAMES, st.integers(1, 10**6))
def test_a_path_of_an_asset_is_about_what_it_was_made_from(kind: str, name: str, output: str, revision: int) -> None:
    asset, asset_type, output_type = thing(name), thing(kind, short_name=None), thing(output, short_name=None)
    facts = replace(
        shot(), kind="asset", entity=asset, entity_kind="Asset", asset=asset, asset_type=asset_type,
        output_type=output_type, revision=revision,
    )  # fmt: skip
    assert facts.task_type is not None
    catalogue = Catalogue(
        project=row(facts.project),
        entity_types=[row(asset_type)],
        task_types=[row(facts.task_type)],
        output_types=[row(output_type)],
        entities={"Asset": [row(thing(name), str(uuid4())), row(asset, asset_type["id"])]},
    )
    assert guessed(TREE, folder_of(TREE, "working", facts), catalogue) == [
        {
            "Template": "asset",
            "Project": facts.project["id"],
            "AssetType": asset_type["id"],
            "Asset": asset["id"],
            "TaskType": facts.task_type["id"],
            "OutputType": output_type["id"],
            "Version": str(revision),
        }
    ]


@given(_NAMES, _NAMES)
def test_a_path_holds_nothing_but_slugs(name: str, project: str) -> None:
    path = path_of(TREE, "working", shot(project, name=name))
    assert path.folder.removeprefix("/mnt/Shows/prod/").replace("/", "").replace("Film", "").replace("_", "").isalnum()
    assert path.folder.isascii()
    assert path.name == path.name.upper()


def test_a_path_elsewhere_is_about_nothing_and_an_unknown_name_ends_what_is_known() -> None:
    catalogue = Catalogue(project=Row("p", "Show"))
    assert guessed(TREE, "/mnt/other/prod/show", catalogue) == []
    assert guessed(TREE, "/mnt/Shows/prod/show/lib/unknown/x", catalogue) == [{"Template": "asset", "Project": "p"}]


@given(st.recursive(st.none() | st.text(max_size=8) | st.integers(), lambda inner: st.dictionaries(
    st.sampled_from(["working", "mountpoint", "root", "folder_path", "file_name", "shot", "style"]), inner, max_size=5
)))  # fmt: skip
def test_whatever_stands_for_a_tree_makes_a_path_or_is_malformed(tree: Any) -> None:
    with suppress(MalformedTree):
        path_of(tree, "working", shot())
        assert check(tree) == [] or isinstance(tree["working"], dict)
