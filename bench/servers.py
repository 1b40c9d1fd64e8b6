"""`headrace serve` as a process of its own, and a client that knows its token."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.scheduling import below

PATIENCE = 60.0  # seconds
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Server:
    process: "subprocess.Popen[str]"
    client: httpx.Client
    seconds: float  # from its start until it was ready


@contextlib.contextmanager
def served(home: Path, database: str | None, *projects: Path) -> Generator[Server]:
    """A server of that home, ready."""
    token = secrets.token_hex(16)
    environment = {**os.environ, "HEADRACE_HOME": str(home), "HEADRACE_DATABASE": database or ""}
    environment["HEADRACE_BOOTSTRAP_TOKEN"] = token
    words = [sys.executable, "-m", "headrace", "serve", *map(str, projects), "--port", "0", "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        url = _url(process)
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as client:
            while client.get("/v1/ready").status_code != 200:
                time.sleep(0.005)
            yield Server(process, client, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def _url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"http://[\d.]+:\d+", line):
            return found[0]
    raise RuntimeError("the server has not begun to listen")


def family(process: int) -> Sequence[int]:
    """The process, and all that it has started."""
    return [process, *below(process)]


def proportional(process: int) -> int:
    """Bytes of memory that are its own, and its part of what it shares."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
