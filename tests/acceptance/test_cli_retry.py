"""`headrace runs retry`: a final run goes on, in the same run: what did not complete, all from a block, or the whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until

Counted = Callable[[], str]


@pytest.fixture
def failed(headrace: Command, mill: Folder) -> Counted:
    """Run 1 has failed: `reap` needs a scythe. Each block that runs leaves its initial; they are what is given back."""
    log = headrace.folder / "log"
    for block, body in {"sow": "return [1, 2, 3]", "reap": _REAP, "bake": "return {'loaves': sum(args[0])}"}.items():
        mill.block(block, f"open('log', 'a').write('{block[0]}')\n{body}")
    headrace("run", "mill", "grind", code=1)

    def since_then() -> str:
        ran = log.read_text()
        log.write_text("")
        return ran

    assert since_then() == "sr"
    return since_then


_REAP = "if not __import__('pathlib').Path('scythe').exists():\n    raise ValueError('no scythe')\nreturn args[0]"


def _sharpen(headrace: Command) -> Path:
    scythe = headrace.folder / "scythe"
    scythe.touch()
    return scythe


def _shown(headrace: Command) -> dict[str, Any]:
    return headrace("runs", "show", 1, "-o", "json").json


def _lines(out: str) -> dict[str, str]:
    """What is told of the blocks before they run."""
    words = ("run again", "new", "reused", "gone")
    found = [(word, line) for line in out.splitlines() for word in words if line.startswith(f"{word}  ")]
    return {word: line.removeprefix(word).strip() for word, line in found}


def test_what_did_not_complete_runs_again_and_the_rest_is_reused(headrace: Command, failed: Counted) -> None:
    _sharpen(headrace)
    said = headrace("runs", "retry", 1)
    assert said.out.startswith("Run 1 of grind goes on; 2 blocks to run\n")
    assert _lines(said.out) == {"run again": "reap, bake", "reused": "sow"}
    assert "Run 1 of grind completed" in said.out
    assert failed() == "rb"
    reap = _shown(headrace)["blocks"][1]
    assert [each["status"] for each in reap["attempts"]] == ["failed", "completed"]
    logs = headrace("runs", "logs", 1, "reap", "--attempt", 1)
    assert logs.code == 0, "the earlier attempt is kept"


def test_all_from_a_block_runs_again(headrace: Command, failed: Counted) -> None:
    _sharpen(headrace)
    headrace("runs", "retry", 1)
    failed()
    said = headrace("runs", "retry", 1, "--from", "reap", "--quiet")
    assert said.out.startswith("block ")
    assert failed() == "rb"


def test_from_a_block_what_did_not_complete_runs_as_well(headrace: Command, failed: Counted) -> None:
    _sharpen(headrace)
    assert _lines(headrace("runs", "retry", 1, "--from", "bake").out) == {"run again": "reap, bake", "reused": "sow"}
    assert failed() == "rb"


def test_the_whole_runs_again(headrace: Command, failed: Counted) -> None:
    _sharpen(headrace)
    assert _lines(headrace("runs", "retry", 1, "--all").out) == {"run again": "sow, reap, bake"}
    assert failed() == "srb"


def test_the_code_is_the_same_unless_the_latest_is_asked_for(headrace: Command, mill: Folder, failed: Counted) -> None:
    mill.block("reap", "return [7]")
    headrace("runs", "retry", 1, code=1)
    headrace("runs", "retry", 1, "--code", "latest")
    (output,) = headrace("runs", "output", 1, "bake", "-o", "json").json["outputs"]
    assert output["head"]["rows"] == [["loaves", 7]]


def test_the_latest_code_may_have_more_blocks_and_fewer(headrace: Command, mill: Folder, failed: Counted) -> None:
    mill.block("thresh", "return args[0]")
    mill.block("sell", "return 'sold'")
    mill.pipeline("grind", {"sow": [], "thresh": ["sow"], "bake": ["thresh"], "sell": ["bake"]})
    said = headrace("runs", "retry", 1, "--code", "latest")
    assert _lines(said.out) == {"run again": "bake", "new": "thresh, sell", "reused": "sow", "gone": "reap"}
    assert "Run 1 of grind completed" in said.out
    assert failed() == "b"
    shown = _shown(headrace)
    statuses = {each["block"]: each["status"] for each in shown["blocks"]}
    assert statuses == {
        "sow": "completed", "reap": "failed", "bake": "completed", "thresh": "completed", "sell": "completed",
    }  # fmt: skip
    assert "Run 1 of grind completed" in headrace("runs", "show", 1).out
    assert headrace("runs", "why", 1).code == 0
    assert _lines(headrace("runs", "retry", 1, "--all").out) == {"run again": "sow, thresh, bake, sell"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "mow"], "The pipeline grind has no block mow; it has sow, reap, bake."),
        (["--from", "sow", "--all"], "--from and --all cannot be given together"),
        (["--code", "newest"], "'newest' is not one of"),
    ],
)
def test_what_cannot_be_retried_so(headrace: Command, failed: Counted, words: list[str], said: str) -> None:
    assert said in headrace("runs", "retry", 1, *words, code=2).err
    assert _shown(headrace)["status"] == "failed"


def test_a_bad_project_is_refused_as_it_is_by_run(headrace: Command, mill: Folder, failed: Counted) -> None:
    mill.write("custom/reap.py", "def reap(:\n")
    for words in (["run", "mill", "grind"], ["runs", "retry", 1, "--code", "latest"]):
        assert "custom/reap.py line 1: invalid syntax" in headrace(*words, code=2).err
    mill.pipeline("grind", {"sow": []}, concurrency_config={"block_run_limit": "many"})
    assert "expected a whole number" in headrace("runs", "retry", 1, "--code", "latest", "--detach", code=2).err
    assert _shown(headrace)["status"] == "failed"


def test_a_part_of_a_pipeline_does_not_grow_what_it_was_not_asked_for(headrace: Command, mill: Folder) -> None:
    headrace("run", "mill", "grind")
    headrace("run", "mill", "grind", "--only", "bake")
    refused = headrace("runs", "retry", 2, "--from", "reap", code=2)
    assert (
        refused.err == "error: The run 2 cannot be resumed: reap needs sow, which is no part of it; start a new run.\n"
    )
    mill.block("salt", "return 1")
    mill.pipeline("grind", {"sow": [], "salt": [], "reap": ["sow"], "bake": ["reap", "salt"]})
    refused = headrace("runs", "retry", 2, "--all", "--code", "latest", code=2)
    assert "bake needs salt, which is no part of it" in refused.err


def test_a_completed_run_has_nothing_left_to_retry(headrace: Command, mill: Folder) -> None:
    headrace("run", "mill", "grind")
    assert "The run 1 cannot be resumed: it is completed" in headrace("runs", "retry", 1, code=2).err
    assert "There is no run 2." in headrace("runs", "retry", 2, code=2).err


def test_an_output_that_is_gone_is_made_again(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "import pandas\nreturn pandas.DataFrame({'seed': [1, 2, 3]})")
    mill.block("reap", "return list(args[0].seed)")
    headrace("run", "mill", "grind")
    (output,) = headrace("runs", "output", 1, "sow", "-o", "json").json["outputs"]
    (headrace.home / output["path"]).unlink()
    assert _lines(headrace("runs", "retry", 1).out) == {"run again": "sow, reap, bake"}


def test_a_retry_is_left_to_an_engine(headrace: Command, failed: Counted) -> None:
    _sharpen(headrace)
    said = headrace("runs", "retry", 1, "--detach")
    assert _lines(said.out) == {"run again": "reap, bake", "reused": "sow"}
    assert "start one with `headrace engine`" in said.err
    again = headrace("runs", "retry", 1, code=2)
    assert "it goes on already, or somebody has just asked for that" in again.err
    with headrace.engine() as engine:
        until(engine, "run 1 completed")
    assert failed() == "rb"


def test_a_run_that_goes_on_is_not_retried(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", Meeting.BODY)
    process = headrace.start("run", "mill", "grind")
    meeting.wait()
    assert "it is running" in headrace("runs", "retry", 1, code=2).err
    assert "it is not final yet" in headrace("runs", "retry", 1, "--all", code=2).err
    meeting.let_go()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err


def test_a_run_that_was_left_to_no_engine_can_be_taken_up_by_hand(headrace: Command, mill: Folder) -> None:
    headrace("run", "mill", "grind", "--detach")
    assert "Run 1 of grind completed" in headrace("runs", "retry", 1).out


def test_a_retry_on_postgresql(postgres: Command, mill: Folder) -> None:
    mill.block("reap", _REAP)
    postgres("run", "mill", "grind", code=1)
    _sharpen(postgres)
    with postgres.engine() as engine:
        postgres("runs", "retry", 1, "--detach")
        until(engine, "run 1 completed")
    assert "Run 1 of grind completed" in postgres("runs", "retry", 1, "--all").out
