"""Events: which kinds of them there are. Most are moves of `transitions`, by their names."""

_RUN = ("create", "start", "end", "reopen", "pass_sla", "ask_cancel", "retry_refused")
_BLOCK = (
    "create",
    "queue",
    "hand",
    "start",
    "commit",
    "complete",
    "fail",
    "retry",
    "cancel",
    "fail_upstream",
    "skip",
    "reopen",
)
_ATTEMPT = ("fenced",)
_OF = {"run": _RUN, "block": _BLOCK, "attempt": _ATTEMPT}

KINDS = (*_OF, *(f"{noun}.{verb}" for noun, verbs in _OF.items() for verb in verbs))  # `run` stands for all of run.…
