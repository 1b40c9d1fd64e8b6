"""What block runs left behind: whether all of it can still be read."""

from collections.abc import Iterable, Sequence

from headrace import outputs
from headrace.app import App
from headrace.model.output import DATASET, Output


def readable(app: App, block_runs: Iterable[int]) -> frozenset[int]:
    """Those of the block runs (by id) that completed, and of which every output is where its row says.

    Of what has become a version of a dataset, that must be readable too: steps read the version.
    """
    found = {each: kept.outputs for each, kept in app.store.runs.completed_attempts(block_runs).items()}
    home, versions = app.settings.home, _versions(one for made in found.values() for one in made)
    lost = {*versions} - app.store.datasets.readable(versions) if versions else set[tuple[str, int]]()
    there = {each: all(outputs.there(one, home) for one in made) for each, made in found.items()}
    return frozenset(each for each, made in found.items() if there[each] and lost.isdisjoint(_versions(made)))


def _versions(those: Iterable[Output]) -> Sequence[tuple[str, int]]:
    """The versions of datasets that they have become, each its name and its number."""
    return [(each.extra["dataset"], each.extra["version"]) for each in those if each.kind == DATASET]
