"""Query strings as every route reads them. Source: spec tasks, "blank = absent"."""

from typing import Any

from litestar import Request
from litestar.datastructures import MultiDict


class Call(Request[Any, Any, Any]):
    """A request of this server: what is blank in its query string is empty."""

    @property
    def query_params(self) -> MultiDict[Any]:
        """The parameters; one that holds nothing but white space is there, and empty."""
        params = super().query_params
        if not any(value.isspace() for value in params.values()):
            return params
        return MultiDict((name, "" if value.isspace() else value) for name, value in params.multi_items())
