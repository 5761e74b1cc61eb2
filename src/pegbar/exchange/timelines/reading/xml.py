"""XML of strangers: read without what documents may define, so that none grows beyond its size."""

from xml.etree.ElementTree import Element, ParseError
from xml.etree.ElementTree import fromstring as parsed
from xml.parsers import expat

from pegbar.exchange.timelines.reading.shapes import Unreadable

_DEEPEST = 500


def checked(content: bytes) -> Element:
    """The root of a document. Raises Unreadable, naming the line and column of what is wrong."""
    parser = expat.ParserCreate()
    depth = 0

    def where() -> str:
        return f"line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber + 1}"

    def refuse_entity(name: str, *_: object) -> None:
        raise Unreadable(f"{where()}: it defines the entity {name[:40]!r}, which no cut needs")

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Unreadable(f"{where()}: elements are more than {_DEEPEST} deep")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.EntityDeclHandler = refuse_entity
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(content, True)
        return parsed(content)  # noqa: S314 - it defines no entities
    except expat.ExpatError as error:
        text = expat.errors.messages[error.code]
        raise Unreadable(f"line {error.lineno}, column {error.offset + 1}: it is no XML: {text}") from None
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"it is no XML: {error}") from None
