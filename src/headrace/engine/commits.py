"""A commit: what an attempt has written is to become a version of a dataset; and how that went."""

from dataclasses import dataclass, replace
from datetime import datetime

from headrace.datasets import committing
from headrace.model.dataset import Operation, WriteMode
from headrace.model.output import Output
from headrace.model.run import Failure
from headrace.store.written import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The `output` of an attempt (a uid) of the run, whose engine holds that under this epoch.

    It is `taken_up` when the attempt was begun under an earlier one: whoever held the run then may still be at it. One
    that is `withdrawn` is of a run that was let go: its attempt has ended, and is only to be made void.
    """

    run_id: int
    run: str  # uid
    epoch: int
    block: str
    attempt: str
    output: Output
    taken_up: bool = False
    withdrawn: bool = False

    @property
    def dataset(self) -> str:
        """Its name; one that no dataset can have where the output is none of a dataset."""
        return str(self.output.extra.get("dataset", ""))


@dataclass(frozen=True, slots=True)
class Committed:
    """The table, which lies there as its dataset's row has it, has the version, and has it once."""

    commit: Commit
    location: str
    version: committing.Committed

    def told(self, output: Output) -> Output:
        """The attempt's output; what was committed says from now on which version it is, and of the table where."""
        if output.path != self.commit.output.path:
            return output
        return replace(output, extra={**output.extra, "version": self.version.version, "location": self.location})

    def written(self, at: datetime) -> Written:
        """The version, for its row. Only where it has no rows but those of the attempt is their profile its own."""
        commit, version, extra = self.commit, self.version, self.commit.output.extra
        mode = WriteMode(extra["mode"])
        return Written(
            dataset=commit.dataset,
            version=version.version,
            operation=Operation(mode),
            rows=version.rows,
            bytes=version.bytes,
            schema=version.schema,
            profile=commit.output.profile if mode is WriteMode.REPLACE else None,
            keys=extra.get("keys", ()),
            run_id=commit.run_id,
            block=commit.block,
            attempt=commit.attempt,
            description=extra.get("description", ""),
            at=at,
        )


@dataclass(frozen=True, slots=True)
class NotCommitted:
    """The table is as it was, for that reason."""

    commit: Commit
    failure: Failure


@dataclass(frozen=True, slots=True)
class Undecided:
    """For that reason nobody knows yet whether the table has the version. It will be tried again, and told then."""

    commit: Commit
    failure: Failure


@dataclass(frozen=True, slots=True)
class Outdated:
    """Nothing was tried: by its rows the attempt does not commit any more, or its run is held under a later epoch."""

    commit: Commit
