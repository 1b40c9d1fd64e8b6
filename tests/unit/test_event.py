"""Every move is of a kind that can be asked for."""

import inspect
from datetime import UTC, datetime

import pytest

from headrace.model import event, transitions
from headrace.model.run import RunStatus
from headrace.model.transitions import BlockMove, RunMove

AT = datetime(2026, 1, 31, tzinfo=UTC)
GIVEN = {
    "at": AT,
    "asked": AT,
    "retry_at": AT,
    "attempt": 1,
    "failures": 1,
    "reason": "test",
    "status": RunStatus.FAILED,
}
MOVES = [
    function
    for name, function in vars(transitions).items()
    if inspect.isfunction(function) and not name.startswith("_") and function.__module__ == transitions.__name__
]


@pytest.mark.parametrize("function", MOVES, ids=lambda function: function.__name__)
def test_a_move_is_of_a_kind_that_is_known(function) -> None:
    needed = [name for name, each in inspect.signature(function).parameters.items() if each.default is each.empty]
    move: RunMove | BlockMove = function(**{name: GIVEN[name] for name in needed})
    assert f"{'run' if isinstance(move, RunMove) else 'block'}.{move.name}" in event.KINDS
