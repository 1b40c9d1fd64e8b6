"""The reasons of moves, in words for people."""

from headrace.worker import wire

_WORDS = {
    **wire.REASONS,
    "cancel_requested": "somebody asked for the run to be cancelled",
    "run_failed": "another block had failed",
    "engine_died": "the headrace that ran it was ended",
    "let_go": "the engine could not go on with the run",
    "upstreams_completed": "all it needs is there",
    "reused": "its output of an earlier run is used",
}


_ENDED = {"upstream_failed": "was not run", "condition_failed": "was skipped"}  # of a block that another needs


def in_words(reason: str) -> str:
    """What the reason of a move says."""
    block, _, ended = reason.rpartition(" ")
    if block:
        return f"{block} {_ENDED.get(ended, ended)}"
    return _WORDS.get(reason) or reason.replace("_", " ")
