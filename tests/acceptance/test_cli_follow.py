"""`headrace runs logs --follow` beside an engine in another process."""

import signal

from tests.acceptance.conftest import PATIENCE, Command, Folder, Meeting, until


def test_a_log_is_followed_until_the_run_is_final_or_ctrl_c(headrace: Command, mill: Folder, meeting: Meeting) -> None:
    mill.block("sow", f"print('before')\nprint('sowing', flush=True)\n{Meeting.BODY}")
    mill.block("reap", "print('reaping')\nreturn args[0]")
    with headrace.engine() as engine:
        headrace("run", "mill", "grind", "--detach")
        meeting.wait()
        followed = headrace.start("runs", "logs", 1, "--tail", 1, "--follow")
        assert "before" not in until(followed, "sowing")
        left = headrace.start("runs", "logs", 1, "-f", "-o", "json")
        until(left, "sowing")
        left.send_signal(signal.SIGINT)
        assert left.wait(PATIENCE) == 130
        meeting.let_go()
        until(engine, "run 1 completed")
    out, err = followed.communicate(timeout=PATIENCE)
    assert (followed.returncode, err) == (0, "")
    assert [line.split()[-1] for line in out.splitlines()] == ["reap", "reaping"]
