"""What block runs left behind: whether all of it can still be read."""

from collections.abc import Iterable

from headrace import outputs
from headrace.app import App


def readable(app: App, block_runs: Iterable[int]) -> frozenset[int]:
    """Those of the block runs (by id) that completed, and of which every output is where its row says."""
    found = app.store.runs.completed_attempts(block_runs)
    home = app.settings.home
    return frozenset(each for each, kept in found.items() if all(outputs.there(one, home) for one in kept.outputs))
