"""A run that an engine has taken: what whoever began it goes on with. Not all who do have an engine of their own."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from headrace.model.pipeline import Pipeline
from headrace.model.run import BlockRun, Run


@dataclass(frozen=True, slots=True)
class Begun:
    """Its block runs as they were handed over, and the future that gets the final run."""

    run: Run
    pipeline: Pipeline
    blocks: Mapping[str, BlockRun]
    done: "Future[Run]"
