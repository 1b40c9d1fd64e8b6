"""The promises about runs, each a function of a history that yields a sentence for every run or attempt that broke it.

They know the states as `docs/states.md` draws them, not by the code that makes the moves.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.crash.history import Attempt, BlockRun, Event, History, Line, Run, by

FINAL_RUN = {"completed", "failed", "cancelled"}
FINAL_BLOCK = {"completed", "failed", "cancelled", "upstream_failed", "condition_failed"}

# Events by kind: from which statuses, to which.
RUN_MOVES = {
    "run.start": ({"initial"}, {"running"}),
    "run.end": ({"initial", "running"}, FINAL_RUN),
    "run.reopen": (FINAL_RUN, {"initial"}),
}
BLOCK_MOVES = {
    "block.queue": ({"initial"}, {"queued"}),
    "block.hand": ({"queued"}, {"queued"}),
    "block.start": ({"queued"}, {"running"}),
    "block.commit": ({"running"}, {"committing"}),
    "block.complete": ({"running", "committing"}, {"completed"}),
    "block.fail": ({"running", "committing"}, {"failed"}),
    "block.retry": ({"running", "committing"}, {"queued"}),
    "block.cancel": ({"initial", "queued", "running"}, {"cancelled"}),
    "block.fail_upstream": ({"initial"}, {"upstream_failed"}),
    "block.skip": ({"initial"}, {"condition_failed"}),
    "block.reopen": (FINAL_BLOCK, {"initial"}),
}
BEGINS = {"block.hand", "block.start"}
ENDS = {"block.complete", "block.fail", "block.retry", "block.cancel"}

Broken = Iterator[str]
Key = tuple[int, str | None, int | None]  # of an attempt: its run, block and number


def broken(history: History) -> list[str]:
    """What does not hold, in words; nothing when all is well."""
    return [f"{name}: {what}" for name, holds in ALL.items() for what in holds(history)]


def no_run_is_lost(history: History) -> Broken:
    for run_id in history.accepted:
        if run_id not in history.run_of:
            yield f"run {run_id} was accepted and is not there"
    for run in history.runs:
        if run.status not in FINAL_RUN or not run.ended:
            yield f"run {run.id} is {run.status} ({run.reason}) for ever"


def a_final_run_has_only_final_blocks(history: History) -> Broken:
    for row in history.block_runs:
        run = history.run_of[row.run_id]
        if run.status in FINAL_RUN and row.status not in FINAL_BLOCK:
            yield f"run {run.id} is {run.status} while its {row.block} is {row.status}"
    for attempt in history.attempts:
        if attempt.status not in FINAL_RUN and _run(history, attempt).status in FINAL_RUN:
            yield f"{history.name(attempt)} is {attempt.status} though its run has ended"


def a_completed_run_completed_all(history: History) -> Broken:
    for row in history.block_runs:
        if history.run_of[row.run_id].status == "completed" and row.status not in ("completed", "condition_failed"):
            yield f"run {row.run_id} completed though its {row.block} is {row.status}"


def an_attempt_begins_at_most_once(history: History) -> Broken:
    for uid, lines in history.lines_of.items():
        began = [line for line in lines if line.what == "began"]
        if len(began) > 1:
            yield f"{_said(began[0])} began {len(began)} times"
        if len([line for line in lines if line.what in ("ended", "raised")]) > len(began):
            yield f"attempt {uid} ended without having begun, or twice"


def an_attempt_is_recorded_before_it_begins(history: History) -> Broken:
    for line in _began(history):
        attempt = history.attempt_of.get(line.attempt)
        if attempt is None:
            yield f"{_said(line)} began and is not recorded"
        elif _run(history, attempt).uid != line.run or attempt.number != line.number:
            yield f"{_said(line)} began; it is recorded as {history.name(attempt)}"
        elif line.recorded is False:
            yield f"{_said(line)} began before it was recorded, or after it was over"


def attempts_do_not_overlap(history: History) -> Broken:
    for line in history.ledger:
        if line.what == "overlap":
            yield f"{_said(line)} began while processes of an earlier attempt were there"
    for lines in by(history.ledger, lambda line: (line.run, line.block)).values():
        latest = 0
        for line in lines:
            if line.number < latest:
                yield f"{_said(line)} {line.what} after attempt {latest} had begun"
            latest = max(latest, line.number)


def numbers_rise_by_one(history: History) -> Broken:
    numbers = by(history.attempts, lambda attempt: attempt.block_run_id)
    for row in history.block_runs:
        found = sorted(attempt.number for attempt in numbers.get(row.id, ()))
        if found != list(range(1, row.attempt + 1)):
            yield f"run {row.run_id}, {row.block} is at attempt {row.attempt} and has attempts {found}"


def runs_move_as_they_may(history: History) -> Broken:
    for run in history.runs:
        status = "initial"
        for event in history.events_of.get(run.id, ()):
            if event.block is None and event.kind in RUN_MOVES:
                yield from _illegal(f"run {run.id}", status, event, RUN_MOVES)
                status = event.status
        if status != run.status:
            yield f"run {run.id} is {run.status}, and its events say {status}"


def block_runs_move_as_they_may(history: History) -> Broken:
    """Within an attempt a status only goes on; what was fenced changed nothing, for the rows follow from the rest."""
    for row in history.block_runs:
        status, number = ("completed", 0) if _is_reused(history, row) else ("initial", 0)
        for event in _moves(history, row):
            yield from _illegal(f"run {row.run_id}, {row.block}", status, event, BLOCK_MOVES)
            after = event.attempt or 0
            begins_another = event.kind == "block.hand" or (
                event.kind == "block.start" and not _is_handed(history, event)
            )
            if after != number + begins_another:
                yield f"run {row.run_id}, {row.block}: {event.kind} goes from attempt {number} to {after}"
            status, number = event.status, after
        if (status, number) != (row.status, row.attempt):
            yield (
                f"run {row.run_id}, {row.block} is {row.status} at attempt {row.attempt}, and its events say {status} at "
                f"{number}{_fenced(history, row)}"
            )


def an_attempt_has_one_outcome(history: History) -> Broken:
    ends = by(_those(history, ENDS), _key)
    for attempt in history.attempts:
        row = history.block_run_of[attempt.block_run_id]
        found = ends.get((row.run_id, row.block, attempt.number), [])
        completed = [event for event in found if event.kind == "block.complete"]
        if len(found) > 1 and any(event.kind != "block.cancel" for event in found[1:]):
            yield f"{history.name(attempt)} ended as {[event.kind for event in found]}"
        if bool(completed) != (attempt.status == "completed"):
            yield (
                f"{history.name(attempt)} is {attempt.status}, and its events say {[event.kind for event in found]}"
                f"{_fenced(history, row)}"
            )


def outcomes_are_true(history: History) -> Broken:
    for attempt in history.attempts:
        said = {line.what for line in history.lines_of.get(attempt.uid, ())}
        if attempt.status == "completed" and "ended" not in said:
            yield f"{history.name(attempt)} is completed, and its block never returned"
        if attempt.reason == "raised" and "raised" not in said:
            yield f"{history.name(attempt)} failed by its block, which never raised"


def what_was_fenced_was_refused(history: History) -> Broken:
    """A late outcome is noted for an attempt that is recorded, and leaves no output of an attempt that did not complete."""
    known = {
        (_run(history, each).id, history.block_run_of[each.block_run_id].block, each.number): each
        for each in history.attempts
    }
    for event in history.events:
        if event.kind == "attempt.fenced" and event.attempt is not None and _key(event) not in known:
            yield f"run {event.run_id}, {event.block}, attempt {event.attempt} was fenced and is not recorded"
    for kept in history.outputs:
        attempt = history.attempt_of[kept.attempt]
        if attempt.status != "completed":
            yield f"{history.name(attempt)} is {attempt.status} and has an output"


def one_run_for_each_key(history: History) -> Broken:
    """A run that was created under a key has it among its variables."""
    keys = Counter(run.variables["key"] for run in history.runs if "key" in run.variables)
    for key, count in keys.items():
        if count > 1:
            yield f"{count} runs have the key {key}"


def one_run_for_each_fire_time(history: History) -> Broken:
    times = Counter((run.trigger, run.fire_time) for run in history.runs if run.fire_time is not None)
    for (trigger, fire_time), count in times.items():
        if count > 1:
            yield f"{count} runs are there for trigger {trigger} at {fire_time}"


def counts_are_true(history: History) -> Broken:
    """What the database counts as runs are made, move and go is what there is."""
    there = Counter((run.pipeline, run.trigger, run.status) for run in history.runs)
    kept = Counter({(each.pipeline, each.trigger, each.status): each.runs for each in history.tallies})
    for key in there.keys() | kept.keys():
        if there[key] != kept[key]:
            yield f"{there[key]} runs of {key[0]}, trigger {key[1]}, are {key[2]}, and {kept[key]} are counted"


def limits_hold(history: History) -> Broken:
    """As blocks see it, and as the events tell it."""
    for line in history.ledger:
        if line.what == "over":
            yield f"{_said(line)} began over the limit {line.limit}"
    for shape in history.mill.shapes.values():
        if shape.runs:
            yield from _over(shape.name, shape.runs, _run_spans(history, shape.name))
    for limit, most, counts in _block_limits(history):
        yield from _over(limit, most, ((key, change) for key, change in _attempt_spans(history) if counts(key)))


def blocks_start_after_their_upstreams(history: History) -> Broken:
    for run in history.runs:
        graph = history.mill.shapes[run.pipeline].blocks
        status = {
            row.block: "completed" for row in history.block_runs if row.run_id == run.id and _is_reused(history, row)
        }
        for event in history.events_of.get(run.id, ()):
            if event.kind in BEGINS and event.block:
                for upstream in graph[event.block]:
                    if status.get(upstream) != "completed":
                        yield f"run {run.id}, {event.block} began while {upstream} was {status.get(upstream, 'initial')}"
            if event.block and event.kind in BLOCK_MOVES:
                status[event.block] = event.status


def blocks_read_what_was_recorded(history: History) -> Broken:
    """Each upstream's latest completed attempt, and the very value that it returned."""
    nonces = {line.attempt: line.nonce for line in history.ledger if line.what == "ended"}
    expected = dict(_expected_reads(history))
    for line in _began(history):
        attempt = history.attempt_of.get(line.attempt)
        if attempt is None:
            continue  # told elsewhere
        wanted = expected.get(line.attempt)
        if wanted is not None and [each["attempt"] for each in line.read] != wanted:
            yield f"{history.name(attempt)} read {[each['attempt'] for each in line.read]}, not {wanted}"
        for each in line.read:
            if nonces.get(each["attempt"]) != each["nonce"]:
                yield f"{history.name(attempt)} read of {each['attempt']} what that did not return"


def outputs_of_the_completed_can_be_read(history: History) -> Broken:
    kept = by(history.outputs, lambda each: each.attempt)
    nonces = {line.attempt: line.nonce for line in history.ledger if line.what == "ended"}
    for attempt in history.attempts:
        if attempt.status != "completed":
            continue
        if not kept.get(attempt.uid):
            yield f"{history.name(attempt)} is completed and has no output"
        for each in kept.get(attempt.uid, ()):
            try:
                value, found = history.load(each.output)
            except Exception as error:
                yield f"{history.name(attempt)} is completed and its output cannot be read: {error}"
                continue
            if each.output.hash is not None and found != each.output.hash:
                yield f"{history.name(attempt)} is completed and its output is not what was kept: {found}, {each.output.hash}"
            if (value["attempt"], value["nonce"]) != (attempt.uid, nonces.get(attempt.uid)):
                yield f"{history.name(attempt)} is completed and its output is another's"


ALL: Mapping[str, Callable[[History], Broken]] = {
    holds.__name__: holds
    for holds in (
        no_run_is_lost,
        a_final_run_has_only_final_blocks,
        a_completed_run_completed_all,
        an_attempt_begins_at_most_once,
        an_attempt_is_recorded_before_it_begins,
        attempts_do_not_overlap,
        numbers_rise_by_one,
        runs_move_as_they_may,
        block_runs_move_as_they_may,
        an_attempt_has_one_outcome,
        outcomes_are_true,
        what_was_fenced_was_refused,
        one_run_for_each_key,
        one_run_for_each_fire_time,
        counts_are_true,
        limits_hold,
        blocks_start_after_their_upstreams,
        blocks_read_what_was_recorded,
        outputs_of_the_completed_can_be_read,
    )
}


def _run(history: History, attempt: Attempt) -> Run:
    return history.run_of[history.block_run_of[attempt.block_run_id].run_id]


def _said(line: Line) -> str:
    return f"run {line.run}, {line.block}, attempt {line.number} ({line.attempt})"


def _began(history: History) -> Iterator[Line]:
    return (line for line in history.ledger if line.what == "began")


def _key(event: Event) -> Key:
    return event.run_id, event.block, event.attempt


def _those(history: History, kinds: Iterable[str]) -> list[Event]:
    return sorted((event for event in history.events if event.kind in kinds), key=lambda event: event.id)


def _moves(history: History, row: BlockRun) -> Iterator[Event]:
    return (
        each for each in history.events_of.get(row.run_id, ()) if each.block == row.block and each.kind in BLOCK_MOVES
    )


def _illegal(subject: str, status: str, event: Event, moves: Mapping[str, tuple[set[str], set[str]]]) -> Broken:
    start, to = moves[event.kind]
    if status not in start or event.status not in to:
        yield f"{subject}: {event.kind} (event {event.id}) goes from {status} to {event.status}"


def _is_reused(history: History, row: BlockRun) -> bool:
    """It was born completed: nothing ever happened to it but, perhaps, that it was opened."""
    first = next(_moves(history, row), None)
    return row.reused if first is None else first.kind == "block.reopen"


def _is_handed(history: History, start: Event) -> bool:
    """Whether the attempt that starts had its number before."""
    return any(
        event.kind == "block.hand" and _key(event) == _key(start) and event.id < start.id
        for event in history.events_of[start.run_id]
    )


def _fenced(history: History, row: BlockRun) -> str:
    """That a late outcome was refused there, which may be why the two differ."""
    fenced = [
        event.attempt
        for event in history.events_of.get(row.run_id, ())
        if event.kind == "attempt.fenced" and event.block == row.block
    ]
    return f"; attempts {fenced} were fenced" if fenced else ""


def _over(limit: str, most: int, spans: Iterable[tuple[object, int]]) -> Broken:
    """Goes through beginnings (+1) and ends (-1) in order."""
    going: set[object] = set()
    for key, change in spans:
        going.add(key) if change > 0 else going.discard(key)
        if change > 0 and len(going) > most:
            yield f"{sorted(map(str, going))} were under way at once; {limit} allows {most}"


def _run_spans(history: History, pipeline: str) -> Iterator[tuple[object, int]]:
    runs = {run.id for run in history.runs if run.pipeline == pipeline}
    for run_id, change in _spans(history, {"run.start"}, {"run.end"}, lambda event: event.run_id):
        if run_id in runs:
            yield run_id, change


def _attempt_spans(history: History) -> list[tuple[Key, int]]:
    """Of those attempts whose end is told; one that was only handed over may be lost without a word."""
    ended = {_key(event) for event in _those(history, ENDS)}
    return [(key, change) for key, change in _spans(history, BEGINS, ENDS, _key) if key in ended]


def _spans(
    history: History, begins: set[str], ends: set[str], key: Callable[[Event], Any]
) -> Iterator[tuple[Any, int]]:
    """Beginnings (+1) and ends (-1), turn by turn: what ended in a turn made room for what began in it.

    A turn draws the ids of its events under the locks of the limits they come under, so turns are in the order of those.
    """
    for turn in by(_those(history, begins | ends), lambda event: event.at).values():
        ended = {key(event) for event in turn if event.kind in ends}
        yield from ((each, -1) for each in ended)
        yield from ((key(event), 1) for event in turn if event.kind in begins and key(event) not in ended)


def _block_limits(history: History) -> Iterator[tuple[str, int, Callable[[Key], bool]]]:
    mill = history.mill
    if mill.at_once:
        yield "the project", mill.at_once, lambda _: True
    for shape in mill.shapes.values():
        runs = {run.id for run in history.runs if run.pipeline == shape.name}
        for block, most in shape.each.items():
            yield f"{shape.name}.{block}", most, lambda key, block=block, runs=runs: key[0] in runs and key[1] == block
        for run_id in runs if shape.at_once else ():
            yield f"run {run_id}", shape.at_once or 0, lambda key, run_id=run_id: key[0] == run_id


def _expected_reads(history: History) -> Iterator[tuple[str, list[str]]]:
    """For each attempt the uids of the attempts whose outputs it is to read, in the order of its upstreams."""
    uids = {
        (_run(history, each).id, history.block_run_of[each.block_run_id].block, each.number): each.uid
        for each in history.attempts
    }
    for run in history.runs:
        graph = history.mill.shapes[run.pipeline].blocks
        latest: dict[str, str] = {}
        for event in history.events_of.get(run.id, ()):
            uid = uids.get(_key(event), "")
            if event.kind == "block.complete" and event.block:
                latest[event.block] = uid
            if event.kind in BEGINS and event.block and all(upstream in latest for upstream in graph[event.block]):
                yield uid, [latest[upstream] for upstream in graph[event.block]]
