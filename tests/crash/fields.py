"""The fields: a mill whose blocks are steps that write datasets, and what must be so of those.

Each version says which run it is of, so that one that is a mix of two would be seen.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deltalake import DeltaTable
from tests.crash import invariants
from tests.crash.history import History
from tests.crash.mill import Mill, Shape
from tests.crash.works import Works

ROWS = 1000  # of each version of `stock`
SHEAVES = 3  # that a run adds to `harvest`

STEPS = {
    "stock": ("replace", f"SELECT {{{{ pipeline_run_id }}}} AS run, range AS n FROM range({ROWS})"),
    "harvest": ("append", f"SELECT {{{{ pipeline_run_id }}}} AS run, range AS n FROM range({SHEAVES})"),
    "tally": ("upsert", "SELECT min(run) AS run, max(run) AS newest, count(*) AS n FROM stock"),
}
SHAPE = Shape("fields", {"stock": [], "harvest": [], "tally": ["stock"]}, retries=8)
WITHOUT_LEDGER = (  # what is asked of blocks that write down what they do
    "outcomes_are_true",
    "outputs_of_the_completed_can_be_read",
)


@dataclass(frozen=True)
class Fields(Mill):
    shapes: dict[str, Shape] = field(default_factory=lambda: {"fields": SHAPE})

    def write(self, folder: Path) -> None:
        super().write(folder)
        (folder / "transformers").mkdir()
        for name, (_, query) in STEPS.items():
            (folder / "transformers" / f"{name}.sql").write_text(query)
        blocks = [
            {
                "uuid": name,
                "type": "transformer",
                "language": "sql",
                "upstream_blocks": list(SHAPE.blocks[name]),
                "configuration": {
                    "input_datasets": list(SHAPE.blocks[name]),
                    "output_datasets": [name],
                    "write_mode": mode,
                    **({"row_unique_identifier": "run"} if mode == "upsert" else {}),
                },
            }
            for name, (mode, _) in STEPS.items()
        ]
        written = {"blocks": blocks, "retry_config": {"retries": SHAPE.retries, "delay": 0}}
        (folder / "pipelines" / "fields" / "metadata.yaml").write_text(json.dumps(written))


def check(works: Works) -> History:
    """Every invariant holds of the runs and of the tables, now that all has come to rest."""
    history = works.history()
    kept = {name: holds for name, holds in invariants.ALL.items() if name not in WITHOUT_LEDGER}
    broken = [f"{name}: {what}" for name, holds in kept.items() for what in holds(history)]
    broken += [*each_completed_attempt_has_one_version(works, history), *no_version_is_a_mix(works)]
    assert not broken, "\n".join([*broken[:40], works.said()])
    return history


def each_completed_attempt_has_one_version(works: Works, history: History) -> Iterator[str]:
    """In the table's log and in the rows, and of others there is none."""
    recorded = works.ask(
        "SELECT d.name, v.version, v.attempt FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id"
        " WHERE v.operation <> 'compact'"
    )
    rows = sorted((str(row["name"]), row["version"], row["attempt"]) for row in recorded)
    logged = sorted((name, version, attempt) for name in STEPS for version, attempt in _log(works, name))
    if rows != logged:
        yield f"the rows tell of {rows}, the tables of {logged}"
    completed = Counter(attempt.uid for attempt in history.attempts if attempt.status == "completed")
    written = Counter(str(attempt) for *_, attempt in logged)
    if completed != written:
        yield f"completed are {completed}, committed {written}"


def no_version_is_a_mix(works: Works) -> Iterator[str]:
    for version, _ in _log(works, "stock"):
        runs = Counter(_column(works, "stock", version, "run"))
        if list(runs.values()) != [ROWS]:
            yield f"version {version} of stock has {runs}"
    harvest = [version for version, _ in _log(works, "harvest")]
    for many, version in enumerate(harvest, 1):
        runs = Counter(_column(works, "harvest", version, "run"))
        if runs.total() != many * SHEAVES or any(count % SHEAVES for count in runs.values()):
            yield f"version {version} of harvest, the {many}th, has {runs}"
    for version, _ in _log(works, "tally"):
        runs = Counter(_column(works, "tally", version, "run"))
        if any(count > 1 for count in runs.values()):
            yield f"version {version} of tally has {runs}"


def _place(works: Works, name: str) -> Path:
    return works.home / "datasets" / name


def _log(works: Works, name: str) -> list[tuple[int, str]]:
    """The versions that attempts have made, the first first, each with its attempt."""
    if not (_place(works, name) / "_delta_log").is_dir():
        return []
    told = reversed(DeltaTable(_place(works, name)).history())
    return [(each["version"], each["headrace.attempt"]) for each in told if "headrace.run" in each]


def _column(works: Works, name: str, version: int, column: str) -> list[int]:
    table = DeltaTable(_place(works, name), version=version).to_pyarrow_table(columns=[column])
    return table.column(column).to_pylist()
