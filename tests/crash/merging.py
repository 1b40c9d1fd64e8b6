"""Merges small files of datasets in a process that kills itself: `python -m tests.crash.merging DEED WHEN COUNT`.

As `dying`, at a `commit` of a transaction; or at a `step`, which is some rows, or the commit of the table.
"""

import os
import sys

from tests.crash.dying import Death, die, lay

from headrace import clock, settings
from headrace.app import App
from headrace.datasets import compacting
from headrace.engine import compactor
from headrace.engine.compactor import Compactor

FEW = 3  # files, from which on they are merged


def few() -> None:
    """Of this process: so few are merged as to be there soon."""
    compacting.FEW = compactor.FEW = FEW


def main(deed: str, when: str, count: str) -> None:
    few()
    with App(settings.load(os.environ)) as app:
        death = Death(when, int(count))
        if deed == "commit":
            lay(deed, death, when)
        for _ in Compactor(app.store, app.settings, clock.now(), sys.exit).steps():
            if deed == "step" and death.is_fatal():
                die()


if __name__ == "__main__":
    main(*sys.argv[1:])
