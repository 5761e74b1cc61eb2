"""The words of mails and messages: data files, one a language, in the folder `texts` of whoever sends them.

`{…}` in them are filled in by the sender. A new language is a file in each of these folders.
Source: spec operations, "Outgoing mails".
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from pegbar.config import settings

_FALLBACK = "en_US"
LANGUAGES = tuple(
    sorted(file.name.removesuffix(".toml") for file in files("pegbar.core.messages").joinpath("texts").iterdir())
)


@cache
def texts_of(package: str, language: str) -> dict[str, Any]:
    """The texts of a package in one of `LANGUAGES`."""
    return tomllib.loads(files(package).joinpath("texts", f"{language}.toml").read_text("utf-8"))


def language_of(locale: str | None) -> str:
    """The language of mails for a locale: the same language in another region, else English."""
    locale = (locale or settings().default_locale).replace("-", "_")
    if locale in LANGUAGES:
        return locale
    spoken = locale.split("_")[0].lower()
    return next((language for language in LANGUAGES if language.split("_")[0] == spoken), _FALLBACK)
