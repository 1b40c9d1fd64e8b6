"""The lock that says whether an engine lives is held across processes, and let go by whatever ends one."""

import signal
import subprocess
import sys
from pathlib import Path

from headrace.engine import owner
from headrace.engine.owner import Owner

HOLD = """
import sys
from pathlib import Path
from headrace.engine.owner import Owner
held = Owner(Path(sys.argv[1]))
print(held.name, flush=True)
sys.stdin.readline()
held.close()
print("closed", flush=True)
sys.stdin.readline()
"""


def _engine(home: Path) -> tuple["subprocess.Popen[str]", str]:
    """Another process that is an engine of that home, and the engine's name."""
    command = [sys.executable, "-c", HOLD, str(home)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def test_an_engine_of_another_process_lives_until_it_is_killed(tmp_path: Path) -> None:
    process, name = _engine(tmp_path)
    with process:
        assert owner.alive(tmp_path, name)
        assert owner.alive(tmp_path, name), "asking takes nothing away"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not owner.alive(tmp_path, name)


def test_an_engine_that_was_closed_does_not_live_on_in_its_process(tmp_path: Path) -> None:
    process, name = _engine(tmp_path)
    with process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "closed\n"
        assert not owner.alive(tmp_path, name)
        process.kill()


def test_engines_of_one_home_live_side_by_side(tmp_path: Path) -> None:
    one, two = Owner(tmp_path), Owner(tmp_path)
    assert one.name != two.name
    one.close()
    assert (owner.alive(tmp_path, one.name), owner.alive(tmp_path, two.name)) == (False, True)
    two.close()
    assert list((tmp_path / "engines").iterdir()) == []


def test_a_name_that_nobody_has_is_not_alive(tmp_path: Path) -> None:
    assert not owner.alive(tmp_path, "nobody")


def test_the_next_engine_takes_away_what_a_killed_one_left(tmp_path: Path) -> None:
    process, name = _engine(tmp_path)
    with process:
        process.kill()
        process.wait()
    living = Owner(tmp_path)
    assert [path.stem for path in (tmp_path / "engines").iterdir()] == [living.name]
    assert name != living.name
    living.close()
