"""Problem documents become the errors that they tell of."""

from typing import TYPE_CHECKING, Any, cast

import msgspec

from headrace import errors

if TYPE_CHECKING:  # values are made of documents without httpx
    import httpx

LONGEST = 500  # characters of an answer that is no problem document


def error(response: "httpx.Response") -> errors.HeadraceError:
    """What the server says went wrong; `response` was read."""
    problem = _problem(response)
    kind, detail = str(problem.get("kind", "problem")), _detail(problem)
    if known := _class(kind):
        return known(detail)
    sort = errors.ServerRefused if response.is_client_error else errors.ServerProblem
    return sort(status=response.status_code, kind=kind, detail=detail)


def odd(why: object) -> errors.ServerProblem:
    """An answer that says it is a success, and cannot be understood."""
    return errors.ServerProblem(status=200, kind="unreadable", detail=f"its answer is not what was expected: {why}")


def _class(kind: str) -> type[errors.HeadraceError] | None:
    """The error of that name: `run_not_found` is RunNotFound."""
    found = getattr(errors, "".join(word.capitalize() for word in kind.split("_")), None)
    return found if isinstance(found, type) and issubclass(found, errors.HeadraceError) else None


def _problem(response: "httpx.Response") -> dict[str, Any]:
    try:
        found: Any = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if isinstance(found, dict) and "kind" in found:
        return cast("dict[str, Any]", found)
    return {"kind": response.reason_phrase or "no problem document", "detail": response.text[:LONGEST]}


def _detail(problem: dict[str, Any]) -> str:
    """What it says, and of each field that the sentence does not speak of what is wrong with it."""
    said = str(problem.get("detail", ""))
    faults = [f"{each.get('field')}: {each.get('detail')}" for each in problem.get("errors", ())]
    if problem.get("kind") == "bad_request" and faults:
        return f"{said} {'; '.join(faults)}."
    return said
