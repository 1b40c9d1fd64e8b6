"""What is said of a block that fails: why, and where in the user's own code."""

import os
import signal
from typing import Any

import pytest


def test_the_place_is_in_the_users_own_live_file(site: Any) -> None:
    helper = site.write("utils/deep.py", "import json\ndef parse(text):\n    return json.loads(text)\n")
    code = "from utils.deep import parse\n\n@custom\ndef load():\n    return parse('{')\n"
    finished = site.run(code, file="custom/broken.py").finished
    failure = finished.failure
    assert (finished.status, finished.reason, failure.type) == ("failed", "raised", "json.decoder.JSONDecodeError")
    assert (failure.file, failure.line, failure.function) == (str(helper), 3, "parse")
    assert failure.code == "return json.loads(text)"
    assert str(site.live / "custom/broken.py") in failure.traceback and "return parse('{')" in failure.traceback
    assert "headrace" not in failure.traceback and str(site.snapshot) not in failure.traceback


def test_lines_are_those_that_ran_not_those_of_the_live_file(site: Any) -> None:
    task = site.task("@custom\ndef f():\n    raise KeyError('gone')\n", file="custom/edited.py")
    (site.live / "custom/edited.py").write_text("# now\n# quite\n# another text\n")
    failure = site.fork().run(task).finished.failure
    assert (failure.message, failure.line, failure.code) == ("'gone'", 3, "raise KeyError('gone')")
    assert "another text" not in failure.traceback


def test_the_log_has_the_traceback(site: Any) -> None:
    outcome = site.run("@custom\ndef f(): raise ValueError('boom é')")
    (line,) = outcome.logged
    assert line["level"] == "ERROR" and line["message"] == outcome.finished.failure.traceback
    assert "ValueError: boom é" in line["message"]


def test_chained_errors_and_groups_are_told_whole(site: Any) -> None:
    code = """
        @custom
        def f():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise ExceptionGroup('several', [ValueError('one'), OSError('two')]) from error
    """
    text = site.run(code).finished.failure.traceback
    assert all(said in text for said in ("ZeroDivisionError", "direct cause", "several", "one", "two"))


def test_a_syntax_error_has_file_and_line(site: Any) -> None:
    finished = site.run("x = 1\ndef f(:\n", file="custom/bad.py").finished
    failure = finished.failure
    assert (finished.reason, failure.type, failure.line) == ("not_loaded", "SyntaxError", 2)
    assert (failure.file, failure.code) == (str(site.live / "custom/bad.py"), "def f(:")


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("import nowhere_to_be_found", "not_loaded", "ModuleNotFoundError"),
        ("raise ValueError('at import')", "not_loaded", "ValueError"),
        ("@custom\ndef f(): raise SystemExit(3)", "exited", "SystemExit"),
        ("import sys\n@custom\ndef f(): sys.exit('enough')", "exited", "SystemExit"),
        ("raise SystemExit", "exited", "SystemExit"),
        ("@custom\ndef f(): raise KeyboardInterrupt", "raised", "KeyboardInterrupt"),
        ("@custom\ndef f(): raise MemoryError('too much')", "out_of_memory", "MemoryError"),
        ("@custom\ndef f():\n    def g(): g()\n    g()", "raised", "RecursionError"),
        ("import asyncio\n@custom\nasync def f(): raise asyncio.CancelledError", "raised", "CancelledError"),
        ("import threading\n@custom\ndef f(): return {'x': threading.Lock()}", "not_kept", "CannotKeep"),
        (
            "class Odd(Exception):\n    def __str__(self): raise ValueError\n@custom\ndef f(): raise Odd",
            "raised",
            "Odd",
        ),
        ("@custom\ndef f(): raise type('Made', (Exception,), {})('x')", "raised", "Made"),
    ],
)
def test_each_way_to_fail_has_its_reason(site: Any, code: str, reason: str, kind: str) -> None:
    finished = site.run(code).finished
    assert (finished.status, finished.reason) == ("failed", reason)
    assert finished.failure.type.rpartition(".")[2] == kind
    assert site.value(site.run("@custom\ndef f(): return 'goes on'")) == "goes on"


def test_a_block_without_a_file_fails(site: Any) -> None:
    finished = site.run(None, file="custom/absent.py").finished
    assert (finished.reason, finished.failure.type) == ("not_loaded", "FileNotFoundError")


def test_a_language_that_cannot_be_run_is_refused(site: Any) -> None:
    finished = site.run("select 1", language="r").finished
    assert (finished.reason, finished.failure.type) == ("not_loaded", "Unsupported")


def test_an_input_that_is_gone_is_told(site: Any) -> None:
    one = site.run("@custom\ndef f(): return 'x' * 100_000")
    (site.home / one.finished.outputs[0].path).unlink()
    finished = site.run("@custom\ndef f(given): return given", one).finished
    assert (finished.reason, finished.failure.type) == ("not_read", "CannotRead")


def test_a_full_disk_is_told(site: Any) -> None:
    outcome = site.run("@custom\ndef f(): return 'x' * 100_000", place="/dev/full/x", home="/dev")
    assert (outcome.finished.status, outcome.finished.reason) == ("failed", "not_kept")
    assert outcome.finished.failure.message


def test_messages_are_bounded_and_can_be_sent(site: Any) -> None:
    finished = site.run("@custom\ndef f(): raise ValueError('a' * 10**6 + '\\ud800end')").finished
    assert 2**16 < len(finished.failure.message) < 2**18
    assert "left out" in finished.failure.message and finished.failure.message.endswith("\\ud800end")
    finished = site.run("@custom\ndef f(): return 1\n@test\ndef t(x): assert False, '\\ud800'").finished
    assert finished.tests[0].message == "\\ud800"


def test_a_forked_child_does_not_answer_for_the_worker(site: Any) -> None:
    code = """
        import os

        @custom
        def f(**kwargs):
            child = os.fork()
            if child == 0:
                return 'x' * 100_000
            os.waitpid(child, 0)
            return ['from the worker', os.path.exists(kwargs['place'])]
    """
    place = str(site.home / "forks")
    outcome = site.run(code, place=place, variables={"place": place})
    assert site.value(outcome) == ["from the worker", False]
    assert outcome.order == ["Finished", "Ready"] and outcome.ready.retire is None


def test_a_child_that_survives_a_block_does_not_hold_its_socket(site: Any) -> None:
    code = """
        import os, time

        @custom
        def f():
            child = os.fork()
            if child == 0:
                time.sleep(60)
            print(child)
            os._exit(3)
    """
    worker = site.fork()
    worker.begin(site.task(code))
    child = int(worker.read_line())
    with pytest.raises(EOFError):
        worker.finish()
    os.kill(child, signal.SIGKILL)  # it was there until now


def test_a_worker_leaves_when_nobody_listens(site: Any) -> None:
    worker = site.fork()
    worker.hang_up()
    assert worker.is_gone()


def test_os_exit_ends_the_worker(site: Any) -> None:
    with pytest.raises(EOFError):
        site.fork().run(site.task("import os\n@custom\ndef f(): os._exit(3)"))


def test_a_block_that_breaks_the_interpreter_is_still_answered(site: Any) -> None:
    code = """
        import builtins, sys

        @custom
        def f():
            for name in ('len', 'map', 'isinstance', 'str', 'open', 'any', 'next', 'type'):
                setattr(builtins, name, None)
            sys.stdout = sys.stderr = None
            raise ValueError('still told')
    """
    outcome = site.run(code)
    assert (outcome.finished.failure.type, outcome.finished.failure.message) == ("ValueError", "still told")
    assert outcome.ready.retire is None
