"""What the machine itself takes: a call into a warm process, a durable commit, a bare interpreter."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path


def calls(count: int) -> list[float]:
    """Seconds of each of `count` round trips of 200 bytes to a process that waits for them."""
    here, there = socket.socketpair()
    child = os.fork()
    if child == 0:
        here.close()
        while chunk := there.recv(4096):
            there.sendall(chunk)
        os._exit(0)
    there.close()
    taken = [timed(lambda: (here.sendall(b"x" * 200), here.recv(4096))) for _ in range(count)]
    here.close()
    os.waitpid(child, 0)
    return taken


def commits(folder: Path, count: int) -> list[float]:
    """Seconds of each of `count` commits of one row, synchronous=FULL in write-ahead mode."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
    taken = [timed(lambda: connection.execute("INSERT INTO rows (text) VALUES ('x')")) for _ in range(count)]
    connection.close()
    return taken


def interpreters(count: int, *arguments: str) -> list[float]:
    """Seconds of each of `count` starts of this interpreter with these arguments."""
    command = [sys.executable, *arguments]
    return [timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(count)]


def timed(deed: object) -> float:
    began = time.perf_counter()
    deed()  # type: ignore[operator]
    return time.perf_counter() - began
