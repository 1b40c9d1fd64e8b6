"""Media types: what of an answer's forms the caller would rather have, as `Accept` says."""

from starlette.requests import Request

from headrace.api.v1 import answers


def prefers(request: Request, other: str) -> bool:
    """Whether he names that type, and would rather have it than JSON."""
    said = dict(map(_weighed, ",".join(request.headers.getlist("accept")).split(",")))
    return said.get(other, 0.0) > said.get(answers.MEDIA, 0.0)


def _weighed(said: str) -> tuple[str, float]:
    """A type and how much it is wanted: 0 to 1, and 1 unless it is said."""
    name, *parameters = (part.strip().lower() for part in said.split(";"))
    weights = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 0.0
