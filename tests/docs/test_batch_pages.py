"""The examples of docs/open/batch.md and docs/open/idempotency.md are run as those of the other pages."""

import pytest

from tests.docs.test_examples import Reader, examples, reader, says, td

__all__ = ["reader", "td"]


@pytest.mark.parametrize("page", ["open/batch.md", "open/idempotency.md"])
def test_the_examples_of_a_page_work(reader: Reader, page: str) -> None:
    for language, text, expected in examples(page):
        said = reader.run(language, text)
        if expected is not None:
            assert says(expected, said), f"{text}\nsaid\n{said}"
