"""`headrace run` on a terminal: a display that is drawn anew while the run goes on, then the closing table."""

import os
import pty
import re
import struct
import subprocess
import termios
from fcntl import ioctl

from tests.acceptance.conftest import HEADRACE, PATIENCE, Command, Folder


def _on_terminal(headrace: Command, *words: str, **environ: str) -> str:
    """Everything the command writes to a terminal of 100 columns and 30 lines."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {name: value for name, value in headrace.environment(**environ).items() if name != "COLUMNS"}
    process = subprocess.Popen([HEADRACE, *words], cwd=headrace.folder, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:  # what Linux says when nobody holds the other end
        pass
    os.close(ours)
    assert process.wait(PATIENCE) == 0, seen.decode()
    return seen.decode()


def test_the_display_is_drawn_and_then_gives_way_to_the_table(headrace: Command, mill: Folder) -> None:
    seen = _on_terminal(headrace, "run", "mill", "grind", TERM="xterm-256color")
    assert re.search(r"\d of 3 blocks", seen)
    assert any(frame in seen for frame in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
    assert "\x1b[2K" in seen
    assert "Run 1 of grind" in seen[seen.rindex("\x1b[2K") :]
    assert "\x1b[32m✓ completed" in seen


def test_without_colours(headrace: Command, mill: Folder) -> None:
    for words, environ in ((["--no-color"], {}), ([], {"NO_COLOR": "1"})):
        seen = _on_terminal(headrace, "run", "mill", "grind", *words, TERM="xterm-256color", **environ)
        assert "✓ completed" in seen
        assert not re.search(r"\x1b\[(?:\d+;)*3\dm", seen)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(headrace: Command, mill: Folder) -> None:
    seen = _on_terminal(headrace, "run", "mill", "grind", TERM="dumb")
    assert re.search(r"sow +completed in", seen)
    assert "of 3 blocks" not in seen
