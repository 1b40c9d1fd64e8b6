"""`headrace events`, and what happens while an engine runs: each begins the runs of those that ask for it."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.conftest import HEADRACE, PATIENCE, Command, Folder, until

from headrace import clock, settings
from headrace.app import App
from headrace.engine.watcher import Watcher
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import Definition, TriggerType
from headrace.operations import triggers


def trigger(headrace: Command, pipeline: str, *rules: Rule, name: str = "listens") -> None:
    """An active event trigger of that pipeline, made by this process."""
    with App(settings.load(headrace.environment())) as app:
        definition = Definition(name=name, type=TriggerType.EVENT, rules=rules)
        triggers.create(app, headrace.folder / "mill", pipeline, definition, active=True)


def post(headrace: Command, payload: object, *words: str) -> str:
    """What was printed for an event from a file."""
    file = headrace.folder / "event.json"
    file.write_text(json.dumps(payload))
    return headrace("events", "post", file, *words).out


def events(headrace: Command) -> list[dict[str, object]]:
    return headrace("events", "list", "-o", "json").json


@pytest.fixture
def told(mill: Folder) -> Folder:
    """The project, whose first block prints the event that it is told of; and a second pipeline `sell`."""
    mill.block("sow", "import json\nprint('told', json.dumps(kwargs['event'], sort_keys=True))\nreturn [1, 2, 3]")
    mill.pipeline("sell", {"sow": []})
    return mill


def test_an_event_that_is_posted_begins_a_run_that_is_told_of_it(anywhere: Command, told: Folder) -> None:
    trigger(anywhere, "sell", Rule(kind=RuleKind.PAYLOAD, pattern={"kind": ["order", "refund"]}))
    with anywhere.engine() as engine:
        other, order = post(anywhere, {"kind": "visit"}), post(anywhere, {"kind": "order", "n": 3})
        until(engine, "run 1 completed")
    assert 'told {"kind": "order", "n": 3}' in anywhere("runs", "logs", 1).out
    found = events(anywhere)
    assert [(each["uid"], each["runs"], each["payload"]) for each in found] == [
        (order.strip(), 1, {"kind": "order", "n": 3}),
        (other.strip(), 0, {"kind": "visit"}),
    ]
    assert len(anywhere("runs", "list", "-o", "json").json) == 1


def test_an_event_waits_for_an_engine(headrace: Command, told: Folder) -> None:
    trigger(headrace, "sell", Rule(kind=RuleKind.PAYLOAD))
    said = headrace("events", "post", told.path / "../event.json", code=2)
    assert "No such file" in said.err
    post(headrace, {"n": 1}, "--key", "one")
    again = headrace("events", "post", headrace.folder / "event.json", "--key", "one")
    assert again.err == "No engine runs that would begin runs for it: start one with `headrace engine`.\n"
    table = headrace("events", "list").out.splitlines()
    assert table[0].split() == ["event", "at", "kind", "runs", "payload"]
    assert table[1].split()[3:] == ["payload", "waiting", '{"n":', "1}"]
    assert len(table) == 2
    with headrace.engine() as engine:
        until(engine, "run 1 completed")
    assert headrace("events", "list").out.splitlines()[1].split()[4] == "1"


def test_the_end_of_a_pipeline_begins_a_run_of_another(anywhere: Command, told: Folder) -> None:
    trigger(anywhere, "sell", Rule(kind=RuleKind.PIPELINE, subject="grind"))
    with anywhere.engine() as engine:
        anywhere("run", "mill", "grind", "--detach")
        until(engine, "run 2 completed")
    (found,) = events(anywhere)
    assert (found["kind"], found["subject"], found["runs"]) == ("pipeline", "mill/grind", 1)
    assert '"pipeline": "grind"' in anywhere("runs", "logs", 2).out
    assert [each["pipeline"] for each in anywhere("runs", "list", "-o", "json").json] == ["sell", "grind"]


def test_a_run_beside_an_engine_begins_what_follows_it(headrace: Command, told: Folder) -> None:
    """What follows is the engine's to run: the command moves nothing but its own run."""
    trigger(headrace, "sell", Rule(kind=RuleKind.PIPELINE, subject="grind"))
    with headrace.engine() as engine:
        headrace("run", "mill", "grind")
        until(engine, "run 2 completed")


def test_a_file_that_appears_begins_a_run(headrace: Command, told: Folder) -> None:
    (told.path / "in").mkdir()
    (told.path / "in/old.csv").write_text("old")
    trigger(headrace, "sell", Rule(kind=RuleKind.FILE, subject="in/*.csv", every=1, settle=0))
    with App(settings.load(headrace.environment())) as app:  # what lies there now is what it starts from
        Watcher(app.store, lambda: None, lambda look: look()).run_once(clock.now())
    with headrace.engine() as engine:
        (told.path / "in/new.csv").write_text("new")
        until(engine, "run 1 completed")
    logged = headrace("runs", "logs", 1).out
    assert f'"path": "{told.path}/in/new.csv", "size": 3' in logged
    assert [each["kind"] for each in events(headrace)] == ["file"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "error: payload of the event is no JSON ("),
        (b"[1]", "error: payload of the event is list; expected an object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1e999}', "error: payload.a of the event is inf; expected a number that JSON has"),
        (b"[" * 100_000, "error: payload of the event is no JSON ("),
        (b'{"a": "\xff"}', "error: payload of the event is no JSON ("),
        (
            b'{"a": "' + b"x" * 2**20 + b'"}',
            "error: payload of the event is too long; expected at most 1,048,576 bytes",
        ),
    ],
)
def test_what_cannot_be_posted_is_refused(headrace: Command, tmp_path: Path, text: bytes, told: str) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(text)
    assert told in headrace("events", "post", file, code=2).err
    assert headrace("events", "list").out == "Nothing has happened yet that triggers would begin runs for.\n"


def test_an_event_may_come_on_stdin(headrace: Command) -> None:
    done = subprocess.run(
        [HEADRACE, "events", "post"],
        env=headrace.environment(),
        input=b'{"n": 1}',
        capture_output=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    (found,) = events(headrace)
    assert done.stdout.decode() == f"{found['uid']}\n"


def test_a_key_stands_for_one_event(headrace: Command) -> None:
    first = post(headrace, {"n": 1}, "--key", "one")
    assert post(headrace, {"n": 1}, "--key", "one") == first
    (headrace.folder / "event.json").write_text('{"n": 2}')
    refused = headrace("events", "post", headrace.folder / "event.json", "--key", "one", code=2)
    assert refused.err.startswith("error: The key one was given to another request before")
    assert len(events(headrace)) == 1
