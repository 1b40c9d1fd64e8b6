"""Which HTTP status an error is told with."""

import pytest

from headrace import errors
from headrace.api import statuses


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.StoreUnavailable(path="p", why="w"), 503),
        (errors.StoreUnreached(path="p", why="w"), 503),
        (errors.HomeUnwritable(path="p", why="w"), 503),
        (errors.QueryNotPermitted(name="n", value="v", operation="list", resource="runs"), 403),
        (errors.BadBody(field="f", given="g", expected="e"), 400),
        (errors.RetryRefused(run=1, why="w"), 409),
        (errors.TooManyLogins(seconds=7), 429),
        (errors.BadInput(), 422),
        (errors.BadField(field="f", given="g", expected="e"), 422),
        (errors.ProjectChanged(path="p", snapshot="s", file="f"), 422),
        (errors.RowUnreadable(row="r", why="w"), 500),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
def test_the_status_of_an_error(error: errors.HeadraceError, status: int) -> None:
    assert statuses.of(error) == status
    assert statuses.of(error, wrong=400) == (400 if status == 422 else status)


def test_what_goes_with_a_status() -> None:
    assert statuses.headers(errors.TooManyLogins(seconds=7)) == {"Retry-After": "7"}
    assert statuses.headers(errors.TooManyStreams(most=1)) == {"Retry-After": "1"}
    assert statuses.headers(errors.TooManyConnections(most=1)) == {"Retry-After": "1"}
    assert statuses.headers(errors.NotAuthenticated(why="w")) == {"WWW-Authenticate": 'Bearer realm="headrace"'}
    assert statuses.headers(errors.RunNotFound(run=7)) == {}
