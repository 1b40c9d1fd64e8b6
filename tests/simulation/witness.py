"""The witness: sees every attempt begin and end in the simulated executors, reads the rows, and says what must not be."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.simulation.catalog import Work

from headrace import errors
from headrace.datasets.committing import Committed, Staged
from headrace.model.run import FINAL_BLOCK, FINAL_RUN
from headrace.worker import wire

FINAL = {str(status) for status in (*FINAL_BLOCK, *FINAL_RUN)}
STEPS = {  # of a block, by the kind of its event: from where it may lead
    "block.queue": {"initial"},
    "block.hand": {"queued"},
    "block.start": {"queued"},
    "block.commit": {"running"},
    "block.complete": {"running", "committing"},
    "block.fail": {"running", "committing"},
    "block.retry": {"running", "committing"},
    "block.cancel": {"initial", "queued", "running", "committing"},
    "block.fail_upstream": {"initial"},
    "block.skip": {"initial"},
    "block.reopen": FINAL,
    "block.create": {None},
}
FAILED = {("failed", "drawn"), ("failed", "not_committed")}
RUN_STEPS = {
    "run.create": {None},
    "run.start": {"initial"},
    "run.end": {"initial", "running"},
    "run.reopen": FINAL,
    "run.retry_refused": FINAL,
}


class Witness:
    """Reads the database file by itself. Every question raises AssertionError for what must not be."""

    def __init__(self, file: Path, works: Iterable[Work]) -> None:
        self._rows = sqlite3.connect(file, isolation_level=None)
        self._works = {work.pipeline_id: work for work in works}
        self._seen = -1
        self.forget()

    def forget(self) -> None:
        """A new simulation begins."""
        self.begun: set[str] = set()
        self.running: dict[str, tuple[Any, ...]] = {}  # run, block, pipeline
        self.tables = Tables()
        self.said: dict[str, str] = {}
        self.wrong: list[AssertionError] = []
        self._ended: dict[str, tuple[Any, ...]] = {}
        self._seen = -1

    def close(self) -> None:
        self._rows.close()

    def ask(self, query: str, *values: Any) -> list[Any]:
        return self._rows.execute(query, values).fetchall()

    # What happens in the executors

    def begins(self, task: wire.Task) -> None:
        """Whoever asked for it must not hear what is wrong with it, so that is said at the next look."""
        try:
            self._look_at_begun(task)
        except AssertionError as wrong:
            self.wrong.append(wrong)

    def _look_at_begun(self, task: wire.Task) -> None:
        assert task.attempt not in self.begun, f"attempt {task.attempt} of {task.block} begins twice"
        found = self.ask(
            "SELECT a.number, a.epoch, a.status, b.run_id, r.pipeline_id FROM attempts a"
            " JOIN block_runs b ON b.id = a.block_run_id JOIN runs r ON r.id = b.run_id WHERE a.uid = ?",
            task.attempt,
        )
        assert found, f"attempt {task.attempt} of {task.block} begins and is not recorded"
        ((number, epoch, status, run, pipeline),) = found
        assert (number, epoch) == (task.number, task.epoch)
        assert status in ("queued", "running"), f"attempt {task.attempt} begins and is {status}"
        twin = [uid for uid, other in self.running.items() if other[:2] == (run, task.block)]
        assert not twin, f"{task.block} of run {run} begins as {task.attempt} while {twin} runs"
        self.begun.add(task.attempt)
        self.running[task.attempt] = (run, task.block, pipeline)
        self._inputs(run, task)
        self._reads(run, task)
        self._within_limits(self.running.values(), "in the executors")

    def ends(self, task: wire.Task) -> None:
        self.running.pop(task.attempt, None)

    def says(self, task: wire.Task, status: str) -> None:
        self.said[task.attempt] = status

    def _inputs(self, run: int, task: wire.Task) -> None:
        """It reads what its upstreams' completed attempts have left, as it is recorded."""
        for given in task.inputs:
            kept = self.ask(
                "SELECT o.path FROM block_runs b JOIN attempts a ON a.block_run_id = b.id JOIN outputs o ON"
                " o.attempt_id = a.id WHERE b.run_id = ? AND b.block = ? AND b.status = 'completed'"
                " AND a.status = 'completed' AND a.number = b.attempt",
                run,
                given.block,
            )
            assert [(each.path,) for each in given.outputs] == kept, f"{task.block} reads {given}, recorded is {kept}"

    def _reads(self, run: int, task: wire.Task) -> None:
        """It reads what the blocks of its run have made of datasets, as it is recorded."""
        for given in task.reads:
            made = self.ask(
                "SELECT v.version FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id JOIN attempts a ON"
                " a.uid = v.attempt JOIN block_runs b ON b.id = a.block_run_id WHERE b.run_id = ? AND d.name = ?"
                " AND b.status = 'completed' AND a.number = b.attempt",
                run,
                given.name,
            )
            assert made == [(given.version,)], f"{task.block} reads {given}, recorded is {made}"

    def _within_limits(self, running: Iterable[tuple[Any, ...]], where: str) -> None:
        projects, blocks, runs = Counter[str](), Counter[Any](), Counter[int]()
        for run, block, pipeline in running:
            projects[self._works[pipeline].project] += 1
            blocks[pipeline, block] += 1
            runs[run] += 1
            limits = self._works[pipeline].limits
            _at_most(projects[self._works[pipeline].project], limits.project_blocks, f"blocks of a project {where}")
            _at_most(blocks[pipeline, block], limits.blocks.get(block), f"runs of the block {block} {where}")
            _at_most(runs[run], limits.run_blocks, f"blocks of run {run} {where}")

    # What is in the rows

    def look(self) -> None:
        """At what holds at every instant; nothing is looked at twice."""
        if self.wrong:
            raise self.wrong[0]
        ((version,),) = self.ask("PRAGMA data_version")
        if version != self._seen:
            self._seen = version
            self._look_at_limits()
            self._look_at_final_runs()
            self._look_at_attempts()

    def _look_at_limits(self) -> None:
        open_ones = self.ask(
            "SELECT b.run_id, b.block, r.pipeline_id FROM attempts a JOIN block_runs b ON b.id = a.block_run_id"
            " JOIN runs r ON r.id = b.run_id WHERE a.ended_at IS NULL AND a.status <> 'committing'"
        )
        self._within_limits(open_ones, "in the rows")
        of_pipelines, of_triggers = Counter[int](), Counter[Any]()
        for pipeline, trigger in self.ask(
            "SELECT pipeline_id, trigger_id FROM runs WHERE ended_at IS NULL AND admitted_at IS NOT NULL"
        ):
            of_pipelines[pipeline] += 1
            of_triggers[pipeline, trigger] += 1
            limits = self._works[pipeline].limits
            _at_most(of_pipelines[pipeline], limits.pipeline_runs, "admitted runs of a pipeline")
            _at_most(of_triggers[pipeline, trigger], limits.trigger_runs, "admitted runs of a trigger")

    def _look_at_final_runs(self) -> None:
        left = self.ask(
            "SELECT r.id, r.status, b.block, b.status FROM runs r JOIN block_runs b ON b.run_id = r.id"
            " WHERE r.ended_at IS NOT NULL AND (b.ended_at IS NULL OR EXISTS"
            " (SELECT 1 FROM attempts a WHERE a.block_run_id = b.id AND a.ended_at IS NULL))"
        )
        assert not left, f"final runs with something open: {left}"
        lies = self.ask(
            "SELECT r.id, b.block, b.status FROM runs r JOIN block_runs b ON b.run_id = r.id"
            " WHERE r.status = 'completed' AND b.status NOT IN ('completed', 'condition_failed')"
        )
        assert not [each for each in lies if each[1] in self._blocks(each[0])], f"completed runs that are not: {lies}"

    def _blocks(self, run: int) -> set[str]:
        """Those of the code that the run has now; of others it keeps what they came to."""
        ((pipeline, version),) = self.ask("SELECT pipeline_id, version_id FROM runs WHERE id = ?", run)
        (found,) = [each for each in self._works[pipeline].versions if each.version_id == version]
        return set(found.pipeline.graph)

    def _look_at_attempts(self) -> None:
        """What is written of one that has ended stays; and it is what was said of it, or that it was lost."""
        for uid, *facts in self.ask("SELECT uid, status, reason, ended_at FROM attempts WHERE ended_at IS NOT NULL"):
            assert self._ended.setdefault(uid, tuple(facts)) == tuple(facts), f"attempt {uid} ended, and changed"
            status, reason, _ = facts
            if status == "completed" or reason == "drawn":
                assert self.said.get(uid) == status, f"attempt {uid} is {status}, and said {self.said.get(uid)}"

    # What is so in the end

    def judge(self) -> None:
        """Every run is final, and its story can be told from its events."""
        self._seen = -1
        self.look()
        left = self.ask("SELECT id, status, reason, owner, epoch, admitted_at, retry_request FROM runs"
                        " WHERE ended_at IS NULL OR retry_request IS NOT NULL")  # fmt: skip
        assert not left, f"runs that do not end: {left}"
        for run, pipeline, status, reason in self.ask("SELECT id, pipeline_id, status, reason FROM runs"):
            poisoned = self._works[pipeline].poisoned
            assert poisoned or not reason.startswith("let go"), f"run {run} was let go: {reason}"
            self._judge_story(run, status)
        self._judge_blocks()
        self._judge_tables()
        keyed = self.ask("SELECT scope, key, count(*) FROM keys GROUP BY scope, key HAVING count(*) > 1")
        assert not keyed

    def _judge_story(self, run: int, status: str) -> None:
        at: dict[str | None, str | None] = {}
        numbers: dict[str, int] = {}
        for block, attempt, kind, to, why in self.ask(
            "SELECT block, attempt, kind, status, reason FROM events WHERE run_id = ? ORDER BY id", run
        ):
            if kind == "attempt.fenced":
                continue
            before = at.get(block, "initial" if block and kind != "block.create" else None)
            allowed = STEPS[kind] if block else RUN_STEPS[kind]
            assert before in allowed, f"run {run}: {kind} of {block} from {before}"
            if (before, kind) == ("committing", "block.cancel"):
                assert why.startswith(("let_go", "let go")), f"run {run}: {block} was cancelled for {why}"
            at[block] = to
            if block:
                gone_on = attempt - numbers.get(block, 0)
                assert gone_on == 1 if kind == "block.hand" else gone_on in (0, 1), f"run {run}: {kind} of {block}"
                assert gone_on == 0 or kind in ("block.hand", "block.start")
                numbers[block] = attempt
        assert at[None] == status
        for block, is_at in self.ask("SELECT block, status FROM block_runs WHERE run_id = ?", run):
            assert at.get(block, "initial") == is_at

    def _judge_blocks(self) -> None:
        for run, block, status, number, failures, tries in self.ask(
            "SELECT b.run_id, b.block, b.status, b.attempt, b.failures, count(a.id) FROM block_runs b"
            " LEFT JOIN attempts a ON a.block_run_id = b.id GROUP BY b.id"
        ):
            assert tries == number, f"run {run}: {block} is at attempt {number} and has {tries}"
            last = self.ask(
                "SELECT a.status, a.reason, (SELECT count(*) FROM outputs o WHERE o.attempt_id = a.id) FROM attempts a"
                " JOIN block_runs b ON b.id = a.block_run_id WHERE b.run_id = ? AND b.block = ? AND a.number = ?",
                run, block, number,
            )  # fmt: skip
            if status == "completed":
                assert [each[:1] + each[2:] for each in last] == [("completed", 1)], f"run {run}: {block} left {last}"
            if status == "failed":
                assert last[0][:2] in FAILED, f"run {run}: {block} failed for {last}"
                assert failures >= 0

    def _judge_tables(self) -> None:
        """What is in the logs of the tables is what completed attempts have written, each once, and is recorded so.

        Of a run that was let go a commit may have landed at that moment, of which no row knows.
        """
        recorded = self.ask(
            "SELECT v.attempt, d.name, v.version FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id"
        )
        assert len({attempt for attempt, *_ in recorded}) == len(recorded), "a version is recorded twice"
        of_completed = self.ask(
            "SELECT a.uid FROM attempts a JOIN outputs o ON o.attempt_id = a.id"
            " WHERE a.status = 'completed' AND o.kind = 'dataset'"
        )
        assert {(attempt,) for attempt, *_ in recorded} == set(of_completed)
        let_go = {uid for (uid,) in self.ask("SELECT uid FROM attempts WHERE reason LIKE 'let_go%'")}
        logged = [(uid, name, version) for name, version, uid in self.tables.log() if uid not in let_go]
        assert sorted(logged) == sorted(recorded), f"the tables have {logged}, recorded is {recorded}"


class Tables:
    """The logs of the simulation's tables: what each version was made by. A commit is a moment, and no more."""

    def __init__(self) -> None:
        self._logs: dict[str, list[tuple[str, bool]]] = {}  # by dataset: the attempt, and whether it is made void

    def length(self, place: str) -> int:
        return len(self._log(place))

    def found(self, place: str, staged: Staged) -> Committed | None:
        """What the attempt has made. DatasetRefused for one that is void."""
        log = self._log(place)
        if (staged.attempt, True) in log:
            raise errors.DatasetRefused(place=place, why="it is void")
        made = (staged.attempt, False)
        return _committed(log.index(made) + 1, found=True) if made in log else None

    def commit(self, place: str, staged: Staged) -> Committed:
        self._log(place).append((staged.attempt, False))
        return _committed(self.length(place), found=False)

    def void(self, place: str, staged: Staged) -> Committed | None:
        if (staged.attempt, True) in self._log(place):
            return None
        if found := self.found(place, staged):
            return found
        self._log(place).append((staged.attempt, True))
        return None

    def log(self) -> list[tuple[str, int, str]]:
        """Dataset, version and attempt of each that was committed."""
        logs = ((name, enumerate(log, 1)) for name, log in self._logs.items())
        return [(name, number, uid) for name, log in logs for number, (uid, void) in log if not void]

    def _log(self, place: str) -> list[tuple[str, bool]]:
        return self._logs.setdefault(Path(place).name, [])


def _committed(version: int, *, found: bool) -> Committed:
    return Committed(version=version, rows=1, bytes=1, schema=(), found=found)


def _at_most(found: int, cap: int | None, what: str) -> None:
    assert cap is None or found <= cap, f"{found} {what}, and {cap} is the limit"
