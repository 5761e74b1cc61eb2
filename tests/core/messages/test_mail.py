"""Mails as they are composed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.messages.languages import LANGUAGES, language_of
from pegbar.core.messages.mail import Mail, as_text, compose, escaped, link


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("fr_FR", "fr_FR"),
        ("fr_CA", "fr_FR"),
        ("pt-PT", "pt_BR"),
        ("zh_Hans_CN", "zh_CN"),
        ("fi_FI", "en_US"),
        (None, "en_US"),
    ],
)
def test_a_locale_finds_its_language(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


@given(st.text())
def test_escaped_values_read_the_same_in_text(value: str) -> None:
    assert as_text(f"<p>{escaped(value)}</p>").split() == value.split()


def test_links_show_their_targets() -> None:
    html = f"<p>Look{'<br>'}here:</p><p>{link('https://x.example/?a=1&b=2', 'the <page>')}</p>"
    assert as_text(html) == "Look\nhere:\n\nthe <page> (https://x.example/?a=1&b=2)\n"


@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(LANGUAGES))
def test_no_value_adds_a_header(subject: str, organisation: str, language: str) -> None:
    subject = subject.encode(errors="ignore").decode()
    mail = Mail(to="ida@example.com", subject=subject, title=subject, message="<p>Hi</p>", language=language)
    headers = {name.lower() for name, _ in compose(mail, organisation).items()}
    assert headers == {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"}
