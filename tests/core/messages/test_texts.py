"""The texts of mails and messages: every language says the same things."""

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import pegbar
from pegbar.core.messages.languages import LANGUAGES, texts_of

ROOT = Path(pegbar.__file__).parent
PACKAGES = sorted(
    ".".join(folder.relative_to(ROOT.parent).parts[:-1]) for folder in ROOT.rglob("texts") if folder.is_dir()
)


def words(texts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in texts.items():
        if isinstance(value, str):
            yield path + key, value
        else:
            yield from words(value, f"{path}{key}.")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_sender_has_every_language() -> None:
    senders = {"accounts", "core.messages", "notifications", "review.builds", "review.sharing"}
    assert {f"pegbar.{sender}" for sender in senders} <= set(PACKAGES)
    assert {"en_US", "fr_FR", "ja_JP"} < set(LANGUAGES)
    for package in PACKAGES:
        folder = ROOT.joinpath(*package.split(".")[1:], "texts")
        assert sorted(file.stem for file in folder.iterdir()) == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("package", PACKAGES)
def test_every_language_says_the_same_things(package: str, language: str) -> None:
    texts, english = (dict(words(texts_of(package, spoken))) for spoken in (language, "en_US"))
    assert texts.keys() == english.keys()
    for key, text in texts.items():
        assert text.strip(), key
        assert fields(text) == fields(english[key]), key
