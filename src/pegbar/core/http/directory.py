"""The endpoints of an application by method and path, for who runs one without the router: `app.state.directory`."""

from collections.abc import Iterable
from urllib.parse import unquote

from pegbar.core.errors import MethodNotAllowed, NotFound
from pegbar.core.http.endpoint import Endpoint
from pegbar.core.http.segments import Candidate, choose, ranked

_Bucket = tuple[int, str, str | None]


class Directory:
    """Finds the endpoint of a method and path, as the router does."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = list(endpoints)
        self._buckets: dict[_Bucket, list[Candidate]] = {}
        for endpoint in self.endpoints:
            parts = endpoint.operation.path.split("/")
            literal = len(parts) > 2 and "{" not in parts[2]
            bucket = (len(parts), parts[1], parts[2] if literal else None)
            self._buckets.setdefault(bucket, []).append(Candidate(endpoint.operation, endpoint))

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """The endpoint, and the parameters of the path as text. Raises NotFound, MethodNotAllowed."""
        path = path.rstrip("/")
        parts = path.split("/")
        first, second = (*parts[1:3], "", "")[:2]
        buckets: list[_Bucket] = [(len(parts), first, second or None), (len(parts), first, None)]
        candidates = [candidate for bucket in dict.fromkeys(buckets) for candidate in self._buckets.get(bucket, ())]
        chosen = choose(ranked(candidates), method, path)
        if chosen == 405:
            raise MethodNotAllowed(f"405 Method Not Allowed: {path} does not take {method}.")
        if isinstance(chosen, int):
            raise NotFound("there is no such route.")
        candidate, params = chosen
        return candidate.answer, {name: unquote(text) for name, text in params.items()}
