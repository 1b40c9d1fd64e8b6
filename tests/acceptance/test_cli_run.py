"""`headrace run`: a run goes as it should, or tells clearly how it went."""

import re
import resource
import signal
import subprocess
from pathlib import Path

from tests.acceptance.conftest import PATIENCE, Command, Folder, until


def test_each_block_is_told_and_the_closing_table_has_all(headrace: Command, mill: Folder) -> None:
    said = headrace("run", "mill", "grind")
    assert said.err == ""
    told = [line.split()[2:4] for line in said.out.splitlines() if re.match(r" +\d+\.\d\d s ", line)]
    assert told == [[block, what] for block in ("sow", "reap", "bake") for what in ("started", "completed")]
    table = said.out[said.out.index("block ") :]
    assert re.search(r"^sow +✓ completed +\d+ ms +3$", table, re.MULTILINE)
    assert re.search(r"^reap +✓ completed +\d+ ms +3 +3$", table, re.MULTILINE)
    assert "Run 1 of grind completed in " in table
    assert str(Path("home/outputs")) in table
    assert "headrace runs output 1 bake" in table
    assert "\x1b" not in said.out


def test_quiet_says_nothing_before_the_closing_table(headrace: Command, mill: Folder) -> None:
    said = headrace("run", "mill", "grind", "--quiet")
    assert said.out.startswith("block ")
    assert "Run 1 of grind completed" in said.out


def test_variables_reach_the_blocks_as_what_they_are(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "return {name: kwargs.get(name) for name in 'abcdefg'}")
    words = ["--runtime-vars", '{"a": "over", "g": 1}', "--var", "a=3", "--var", "b=text", "--var", 'c="3"', "--var"]
    headrace(
        "run", "mill", "grind", "--only", "sow", *words, "d=[1, null]", "--var", "e=", "--var", "f=x", "--var", "f=a=b"
    )
    (output,) = headrace("runs", "output", 1, "sow", "-o", "json").json["outputs"]
    found = dict(output["head"]["rows"])
    assert found == {"a": 3, "b": "text", "c": "3", "d": [1, None], "e": "", "f": "a=b", "g": 1}


def test_a_failed_run_shows_where_the_users_code_raised(headrace: Command, mill: Folder) -> None:
    mill.write("utils/bins.py", "def empty(bins):\n    return bins['rye']\n")
    mill.write("utils/__init__.py", "")
    mill.block("reap", "from utils.bins import empty\nprint('looking into the bin')\nreturn empty({})")
    said = headrace("run", "mill", "grind", code=1)
    assert "✗ reap: the block raised an error" in said.out
    assert "mill/utils/bins.py:2 in empty" in said.out
    assert "return bins['rye']" in said.out
    assert "KeyError: 'rye'" in said.out
    assert re.search(r"INFO +stdout +looking into the bin", said.out)
    assert re.search(r"^bake +– not run +reap failed$", said.out, re.MULTILINE)
    assert "headrace run --resume 1" in said.out
    assert "headrace run mill grind --from reap" in said.out


def test_the_hint_to_run_again_has_the_variables(headrace: Command, mill: Folder) -> None:
    mill.block("reap", "raise ValueError(kwargs['day'])")
    words = ["--var", "day=a day", "--var", 'n="3"', "--var", "api_key=opensesame"]
    said = headrace("run", "mill", "grind", *words, code=1)
    assert """--from reap --var 'day=a day' --var 'n="3"' --var 'api_key=***'\n""" in said.out
    for options in ([], ["-o", "json"]):
        shown = headrace("runs", "show", 1, *options).out
        assert '"api_key": "***"' in shown
        assert "opensesame" not in shown


def test_a_very_long_error_is_shown_in_part(headrace: Command, mill: Folder) -> None:
    mill.block("reap", "raise ValueError('z' * 3_000_000)")
    said = headrace("run", "mill", "grind", code=1)
    assert "… `headrace runs show 1 -o json` has all of it" in said.out
    assert len(said.out) < 10_000
    assert len(headrace("runs", "show", 1).out) < 10_000


def test_a_pipeline_of_no_blocks_is_told_as_that(headrace: Command, mill: Folder) -> None:
    mill.pipeline("none", {})
    told, *rest = headrace("run", "mill", "none").out.splitlines()
    assert told == "Run 1 of none, 0 blocks"
    assert rest[:2] == ["There are no blocks.", ""]
    assert rest[2].startswith("Run 1 of none completed in ")
    assert not rest[3:]
    assert headrace("runs", "logs", 1).out == "There are no blocks.\n"
    assert "There are no blocks." in headrace("runs", "show", 1).out


def test_a_failed_test_is_named(headrace: Command, mill: Folder) -> None:
    mill.block("reap", "return []")
    with (mill.path / "custom/reap.py").open("a") as file:
        file.write("\n@test\ndef test_there_is_a_harvest(harvest, *args):\n    assert harvest, 'nothing grew'\n")
    said = headrace("run", "mill", "grind", code=1)
    assert "✗ test test_there_is_a_harvest: nothing grew" in said.out


def test_resume_goes_on_with_what_had_not_completed(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "open('sown', 'a').write('x')\nreturn [1]")
    mill.block("reap", "return [len(open('scythe').read())]")
    headrace("run", "mill", "grind", code=1)
    (mill.path.parent / "scythe").write_text("sharp")
    mill.block("bake", "raise ValueError('a later edit, which is not of this run')")
    said = headrace("run", "--resume", 1)
    assert "Run 1 of grind completed" in said.out
    assert (mill.path.parent / "sown").read_text() == "x"
    assert "The run 1 cannot be resumed: it is completed; name a block" in headrace("run", "--resume", 1, code=2).err


def test_a_part_runs_on_earlier_outputs(headrace: Command, mill: Folder) -> None:
    refused = headrace("run", "mill", "grind", "--from", "reap", code=2)
    assert "The block reap needs the output of sow, and no earlier run has one" in refused.err
    assert headrace("runs", "list", "-o", "json").json == []
    headrace("run", "mill", "grind")
    assert "its output of run 1 was used" in headrace("run", "mill", "grind", "--from", "reap").out
    blocks = headrace("runs", "show", 2, "-o", "json").json["blocks"]
    assert [(each["block"], each["reused_from_run"]) for each in blocks] == [("sow", 1), ("reap", None), ("bake", None)]
    headrace("run", "mill", "grind", "--only", "sow,reap")
    assert [each["block"] for each in headrace("runs", "show", 3, "-o", "json").json["blocks"]] == ["sow", "reap"]


def test_a_retry_is_told(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "assert kwargs['retry']['attempts'] == 2, 'too early'\nreturn []")
    mill.pipeline("grind", {"sow": []}, retry_config={"retries": 1, "delay": 0})
    said = headrace("run", "mill", "grind")
    assert re.search(r"attempt 1 failed after .*: AssertionError: too early; tried again at once", said.out)
    assert re.search(r"^sow +✓ completed .*attempt 2$", said.out, re.MULTILINE)


def test_what_was_forgiven_is_a_warning_and_the_run_goes_on(headrace: Command, mill: Folder) -> None:
    mill.pipeline("grind", {"sow": ["nobody"]})
    said = headrace("run", "mill", "grind")
    assert said.err.startswith("warning: ")
    assert "nobody" in said.err


def test_two_runs_at_once_in_one_home(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "import pathlib, time\n" + _MEET)
    pair = [headrace.start("run", "mill", "grind", "--var", f"me={me}") for me in (0, 1)]
    for process in pair:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out + err
    assert [each["status"] for each in headrace("runs", "list", "-o", "json").json] == ["completed", "completed"]


_MEET = """\
pathlib.Path(f"here{kwargs['me']}").touch()
while not pathlib.Path(f"here{1 - kwargs['me']}").exists():
    time.sleep(0.01)
return []
"""


def _hanging(headrace: Command, mill: Folder) -> "subprocess.Popen[str]":
    """A run whose first block never returns, and has begun."""
    mill.block("sow", "import threading\nthreading.Event().wait()")
    process = headrace.start("run", "mill", "grind")
    until(process, "started")
    return process


def test_ctrl_c_cancels_the_run_and_waits_for_its_end(headrace: Command, mill: Folder) -> None:
    process = _hanging(headrace, mill)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, out + err
    assert "Cancelling" in err
    assert "Run 1 of grind cancelled after" in out
    assert "headrace run --resume 1" in out
    assert headrace("runs", "list", "-o", "json").json[0]["status"] == "cancelled"


def test_sigterm_does_as_ctrl_c_does(headrace: Command, mill: Folder) -> None:
    process = _hanging(headrace, mill)
    process.terminate()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, out + err
    assert "Run 1 of grind cancelled" in out


def test_a_second_ctrl_c_leaves_at_once(headrace: Command, mill: Folder) -> None:
    mill.block("sow", "import signal, threading\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _STUBBORN)
    process = headrace.start("run", "mill", "grind", HEADRACE_STOP_GRACE="40")
    until(process, "started")
    process.send_signal(signal.SIGINT)
    until(process, "Cancelling", "stderr")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "headrace run --resume 1" in err


_STUBBORN = """\
while True:
    try:
        threading.Event().wait()
    except BaseException:
        pass
"""


def _waiting(headrace: Command, mill: Folder) -> "tuple[subprocess.Popen[str], Path]":
    """A run whose first block has begun, and returns once the path is there."""
    mill.block(
        "sow", "import pathlib, time\nwhile not pathlib.Path('gate').exists():\n    time.sleep(0.01)\nreturn [1]"
    )
    process = headrace.start("run", "mill", "grind")
    until(process, "started")
    return process, headrace.folder / "gate"


def test_a_killed_engine_is_told_as_it_is_and_its_run_goes_on(headrace: Command, mill: Folder) -> None:
    process, gate = _waiting(headrace, mill)
    process.kill()
    process.communicate(timeout=PATIENCE)
    shown = headrace("runs", "show", 1).out
    assert "its engine is gone. Go on with it: headrace run --resume 1" in shown
    assert re.search(r"^sow +! abandoned$", shown, re.MULTILINE)
    assert re.search(r"^status +abandoned while running: its engine is gone$", shown, re.MULTILINE)
    (listed,) = headrace("runs", "list", "-o", "json").json
    assert (listed["status"], listed["abandoned"]) == ("running", True)
    gate.touch()
    said = headrace("run", "--resume", 1)
    assert "attempt 1 failed" in said.out
    assert "the headrace that ran it was ended" in said.out
    assert "Run 1 of grind completed" in said.out


def test_a_killed_worker_fails_its_attempt_and_the_run_follows_its_retry_policy(
    headrace: Command, mill: Folder
) -> None:
    mill.block("reap", "import os\nif kwargs['retry']['attempts'] == 1:\n    os.kill(os.getpid(), 9)\nreturn args[0]")
    mill.write("metadata.yaml", "retry_config: {retries: 1, delay: 0}")
    said = headrace("run", "mill", "grind")
    assert "Run 1 of grind completed" in said.out
    reap = headrace("runs", "show", 1, "-o", "json").json["blocks"][1]
    assert [(each["status"], each["reason"]) for each in reap["attempts"]] == [
        ("failed", "worker_died"),
        ("completed", "returned"),
    ]
    assert "SIGKILL" in reap["attempts"][0]["failure"]["message"]


def test_a_run_waits_for_its_home_to_take_what_happens(headrace: Command, mill: Folder) -> None:
    """A limit on the size of files, set while the first block runs, stands in for a disk that is full for a while."""
    process, gate = _waiting(headrace, mill)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    gate.touch()
    until(process, f"the engine waits for its database: The home {headrace.home} cannot", "stderr")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert "Run 1 of grind completed" in out


def test_a_run_goes_on_when_nobody_reads_what_it_says(headrace: Command, mill: Folder) -> None:
    process = headrace.start("run", "mill", "grind")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (0, "")
    assert headrace("runs", "list", "-o", "json").json[0]["status"] == "completed"
