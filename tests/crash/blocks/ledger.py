"""What every block of the mill does: it says in the ledger that it began, works a little, and says how it ended.

The ledger is one file outside of headrace's home. A line is one write to the end of it, so lines stand in the order in
which things happened, whichever process said them. Locks tell what no line can, since they go with their processes:

* `claims/` has a file for each block run. An attempt holds it with all it starts; one that finds it held says `overlap`.
* `slots/` has as many files for each limit as may run at once. A block takes a free one; one that finds none says `over`.
"""

import contextlib
import errno
import fcntl
import json
import os
import random
import subprocess
import time
import uuid
from pathlib import Path

PLACE = Path(os.environ["CRASH_PLACE"])  # the ledger, and beside it `claims`, `slots` and `gates`
DATABASE = os.environ.get("CRASH_DATABASE")  # a path of SQLite or a URL of PostgreSQL, where it is to be looked into


def work(args, said):
    """The value that those downstream are given, after a draw of what may happen to a block.

    `said["configuration"]` has `fails` and `starts` (chances), `slow` (milliseconds), `bytes` (of the value), `slots`
    (places by the name of a limit), `gate` (the name of a file to wait for) and `eats` (bytes of memory).
    """
    does = said["configuration"]
    attempt = said["context"]["attempt"]
    entry = Entry(attempt["run"], said["block_uuid"], attempt["uid"], attempt["number"])
    draw = random.Random(f"{said.get('seed', 0)} {entry.run} {entry.block} {entry.number}")
    with contextlib.ExitStack() as held:
        claim = _hold(PLACE / "claims" / f"{entry.run}.{entry.block}", held)
        if claim is None:
            entry.say("overlap")
        for limit, places in does.get("slots", {}).items():
            scope = limit.replace("RUN", entry.run)
            if not any(_hold(PLACE / "slots" / f"{scope}.{place}", held) is not None for place in range(places)):
                entry.say("over", limit=scope)
        entry.say("began", recorded=_recorded(entry.attempt), read=[_signed(each) for each in args])
        if draw.random() < does.get("starts", 0):
            held.callback(_end, _start_another(claim))
        _eat(does.get("eats", 0), entry)
        _wait(does, draw)
        if draw.random() < does.get("fails", 0):
            entry.say("raised")
            raise ValueError("as drawn")
        value = {"attempt": entry.attempt, "nonce": uuid.uuid4().hex, "padding": "." * does.get("bytes", 0)}
        entry.say("ended", nonce=value["nonce"])
    return value


class Entry:
    """One attempt, as its lines name it."""

    def __init__(self, run, block, attempt, number):
        self.run, self.block, self.attempt, self.number = run, block, attempt, number

    def say(self, what, **more):
        line = {**vars(self), "what": what, "pid": os.getpid(), "at": time.clock_gettime(time.CLOCK_BOOTTIME), **more}
        file = os.open(PLACE / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


def _hold(path, held):
    """The file, locked until `held` is left or its last process is gone; None when somebody else has the lock."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        if error.errno != errno.EWOULDBLOCK:
            raise
        return None
    held.callback(os.close, file)
    return file


def _signed(value):
    """Which attempt made it."""
    return {"attempt": value["attempt"], "nonce": value["nonce"]}


def _start_another(claim):
    """A process of the block's own in a session of its own, which ends only when it is ended; it holds the claim, too."""
    return subprocess.Popen(
        ["sleep", "600"], start_new_session=True, pass_fds=[] if claim is None else [claim], stdout=subprocess.DEVNULL
    )


def _end(process):
    process.kill()
    process.wait()


def _eat(much, entry):
    """The first attempt of each block takes so many bytes of memory; a later one is content."""
    if entry.number == 1:
        taken = [b"\1" * 2**20 for _ in range(much // 2**20)]
        del taken


def _wait(does, draw):
    time.sleep(draw.uniform(0, does.get("slow", 0)) / 1000)
    if gate := does.get("gate"):
        while not (PLACE / "gates" / gate).exists():
            time.sleep(0.002)


def _recorded(attempt):
    """Whether the attempt is under way in the database, as anybody else sees it; None when that cannot be known."""
    if not DATABASE:
        return None
    query = f"SELECT status FROM attempts WHERE uid = '{attempt}'"
    try:
        found = _ask_postgres(query) if DATABASE.startswith("postgresql:") else _ask_sqlite(query)
    except Exception:
        return None
    return found is not None and found[0] in ("queued", "running")


def _ask_sqlite(query):
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True, timeout=5)) as connection:
        return connection.execute(query).fetchone()


def _ask_postgres(query):
    import psycopg

    with psycopg.connect(DATABASE, connect_timeout=2, autocommit=True) as connection:
        return connection.execute(query).fetchone()
