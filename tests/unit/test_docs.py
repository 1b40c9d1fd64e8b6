"""The pages say what the code says."""

import re
from pathlib import Path

from headrace.model import transitions
from headrace.model.run import BlockStatus, RunStatus
from headrace.worker import wire

DOCS = Path(__file__).parents[2] / "docs"
STATES = (DOCS / "states.md").read_text()


def test_every_move_has_its_row_and_its_letter() -> None:
    for name in ("start_run", "reopen_run"):
        assert f"`{name}`" in STATES
    moves = [name for name in vars(transitions) if name.endswith("_block") and not name.startswith("_")]
    for name in [*moves, "fail_upstream"]:
        letter = re.match(r"(\w):", getattr(transitions, name).__doc__ or "")
        assert letter, f"{name} has no letter"
        assert f"| {letter[1]} | `{name}` |" in STATES


def test_every_reason_and_status_is_explained() -> None:
    for reason, words in wire.REASONS.items():
        assert f"| `{reason}` | {words} |" in STATES
    for status in (*RunStatus, *BlockStatus):
        assert status.value in STATES
