"""Why a run is where it is: what it and its blocks wait for, or how it came to its end."""

from headrace.app import App
from headrace.model.run import FINAL_RUN
from headrace.operations import ends, waits
from headrace.operations.reasons import Reason
from headrace.operations.runs import Shown


def explain(app: App, shown: Shown) -> list[Reason]:
    """Its reasons, those of the run itself first."""
    return list(ends.of(app, shown) if shown.run.status in FINAL_RUN else waits.of(app, shown))
