"""What a message for a chat app says, as the text of a comment. Pure.

Programs that know how to post to Slack, Discord, Mattermost or Microsoft Teams send one of a few shapes: texts, with
attachments, embeds, sections or cards. All that is text in them becomes Markdown; pictures and buttons do not.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

Document = Mapping[str, Any]

#: Characters of a comment that a message makes.
LONGEST = 10_000
#: How deep cards lie in each other, and how many parts of a message are read.
_DEEPEST, _MOST_PARTS = 6, 200

_SLACK_LINK = re.compile(r"<((?:https?|mailto):[^|<>\s]+)(?:\|([^<>]*))?>")
_SLACK_NAME = re.compile(r"<[@#!][^|<>]*(?:\|([^<>]*))?>")
_SLACK_BOLD = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\w*])")


class NoText(ValueError):
    """A message that says nothing that could be written."""


def text_of(document: Any) -> str:
    """The text of a message in any of the shapes. Raises NoText."""
    if not isinstance(document, dict):
        raise NoText("the message must be a JSON object")
    paragraphs = []
    for part in _parts(document):
        if part:
            paragraphs.append(part)
        if len(paragraphs) >= _MOST_PARTS:
            break
    text = "\n\n".join(paragraphs).replace("\0", "").strip()
    text = text.encode("utf-8", "ignore").decode()  # halves of characters
    if not text:
        raise NoText("the message has no text: it is read as Slack, Discord, Mattermost or Teams send it")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _parts(message: Document) -> Iterator[str]:
    if message.get("content") is not None or "embeds" in message:
        yield from _discord(message)
    elif str(message.get("@type", "")).lower() == "messagecard" or "sections" in message:
        yield from _message_card(message)
    elif message.get("type") == "AdaptiveCard":
        yield from _card(message, 0)
    else:
        yield from _slack(message)


def _word(value: Any) -> str:
    """Text of a message; numbers may come in its place."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _each(value: Any) -> Iterator[Document]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _linked(title: str, url: str) -> str:
    return f"**[{title}]({url})**" if title and url else f"**{title}**" if title else url


def _facts(pairs: Iterator[tuple[str, str]]) -> str:
    """Names and values, a line each."""
    return "\n".join(f"- **{name}**: {value}" if name else f"- {value}" for name, value in pairs if name or value)


# Slack and Mattermost


def _slack(message: Document) -> Iterator[str]:
    cards = [item for item in _each(message.get("attachments")) if "contentType" in item]
    blocks = list(_blocks(message.get("blocks")))
    if not blocks:  # else `text` is for where blocks cannot be shown
        yield mrkdwn(_word(message.get("text")))
    yield from blocks
    for item in _each(message.get("attachments")):
        if item in cards:
            content = item.get("content")
            yield from _card(content, 0) if isinstance(content, dict) else ()
            continue
        shown = list(_blocks(item.get("blocks")))
        yield mrkdwn(_word(item.get("pretext")))
        yield _linked(mrkdwn(_word(item.get("title"))), _word(item.get("title_link")))
        yield mrkdwn(_word(item.get("text")))
        fields = _each(item.get("fields"))
        yield _facts((mrkdwn(_word(field.get("title"))), mrkdwn(_word(field.get("value")))) for field in fields)
        yield from shown
        if not any(item.get(key) for key in ("pretext", "title", "text", "fields", "blocks")):
            yield mrkdwn(_word(item.get("fallback")))


def _blocks(blocks: Any) -> Iterator[str]:
    for block in _each(blocks):
        text, kind = block.get("text"), block.get("type")
        if isinstance(text, dict):
            words = mrkdwn(_word(text.get("text")))
            yield f"**{words}**" if kind == "header" and words else words
        yield "\n".join(
            f"- {words}" for field in _each(block.get("fields")) if (words := mrkdwn(_word(field.get("text"))))
        )
        if kind == "context":
            yield " · ".join(
                words for item in _each(block.get("elements")) if (words := mrkdwn(_word(item.get("text"))))
            )


def mrkdwn(text: str) -> str:
    """Slack's marks as Markdown; its mentions of people and channels as their names, which call nobody here."""
    text = _SLACK_LINK.sub(lambda link: f"[{link[2]}]({link[1]})" if link[2] else link[1], text)
    text = _SLACK_NAME.sub(lambda name: name[1] or "", text)
    return _SLACK_BOLD.sub(r"**\1**", unescape(text))


# Discord


def _discord(message: Document) -> Iterator[str]:
    yield _word(message.get("content"))
    for embed in _each(message.get("embeds")):
        author = embed.get("author")
        yield _word(author.get("name")) if isinstance(author, dict) else ""
        yield _linked(_word(embed.get("title")), _word(embed.get("url")))
        yield _word(embed.get("description"))
        fields = _each(embed.get("fields"))
        yield _facts((_word(field.get("name")), _word(field.get("value"))) for field in fields)
        footer = embed.get("footer")
        yield _word(footer.get("text")) if isinstance(footer, dict) else ""


# Teams


def _message_card(card: Document) -> Iterator[str]:
    title, text = _word(card.get("title")), _word(card.get("text"))
    yield f"**{title}**" if title else ""
    yield text or ("" if title or card.get("sections") else _word(card.get("summary")))
    for section in _each(card.get("sections")):
        heading = _word(section.get("activityTitle")) or _word(section.get("title"))
        yield f"**{heading}**" if heading else ""
        for key in ("activitySubtitle", "activityText", "text"):
            yield _word(section.get(key))
        facts = _each(section.get("facts"))
        yield _facts((_word(fact.get("name")).rstrip(":"), _word(fact.get("value"))) for fact in facts)


def _card(card: Document, depth: int) -> Iterator[str]:
    """The texts of an adaptive card, however its boxes lie in each other."""
    if depth > _DEEPEST:
        return
    for key in ("body", "items", "columns", "rows", "cells", "inlines"):
        for item in _each(card.get(key)):
            kind = item.get("type")
            if kind in ("TextBlock", "TextRun"):
                words = _word(item.get("text"))
                yield f"**{words}**" if words and item.get("weight") == "Bolder" else words
            elif kind == "FactSet":
                facts = _each(item.get("facts"))
                yield _facts((_word(fact.get("title")).rstrip(":"), _word(fact.get("value"))) for fact in facts)
            else:
                yield from _card(item, depth + 1)


def acknowledgement(document: Document) -> tuple[int, bytes]:
    """What the app that a message is meant for answers: status and body."""
    if document.get("content") is not None or "embeds" in document:
        return 204, b""
    if "@type" in document or "sections" in document:
        return 200, b"1"
    return 200, b"ok"


__all__ = ["LONGEST", "NoText", "acknowledgement", "mrkdwn", "text_of"]
