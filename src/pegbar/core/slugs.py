"""Names of files made of the names of things. Source: spec media, "slug(text)"."""

import html
import re
import unicodedata

from text_unidecode import unidecode

_APOSTROPHES = re.compile("['\u2019]")
_COMMA_IN_NUMBER = re.compile(r"(?<=\d),(?=\d)")
_OTHERS = re.compile(r"[^-a-zA-Z0-9]+")


def slug(text: str, separator: str = "_") -> str:
    """A text in lowercase letters, digits and separators: "Foo Bar's été 1,000 &amp; x" is foo_bar_s_ete_1000_x."""
    text = unidecode(unicodedata.normalize("NFKD", text.replace("'", "-")))
    text = unicodedata.normalize("NFKD", html.unescape(text)).lower()
    text = _COMMA_IN_NUMBER.sub("", _APOSTROPHES.sub("", text))
    return re.sub(r"-{2,}", "-", _OTHERS.sub("-", text)).strip("-").replace("-", separator)
