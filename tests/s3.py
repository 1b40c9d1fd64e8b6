"""A real server that speaks S3, in a process of its own: moto's, which keeps everything in memory.

Requests are let in one at a time, so that a put on condition is decided as an object store decides it, however many
write at once. The door that they come through can be told to keep a put back, before or after it is done, and to lose
its answer, as networks do; and that objects are older than they are. The server ends with the process that started it.
"""

import itertools
import logging
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

PATIENCE = 60.0  # seconds that anything here may take; the machine may be busy
DOOR = "/_/"  # no bucket can be called so
REACH: Mapping[str, str] = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "a-key",
    "AWS_SECRET_ACCESS_KEY": "its-secret",
}


class Server:
    """One server. `environment` is all that a client needs to reach it."""

    def __init__(self) -> None:
        """Returns once it takes requests."""
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.environment = {"AWS_ENDPOINT_URL": self.url, **REACH}
        self._client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)
        self._numbers = itertools.count(1)

    def create(self) -> str:
        """The URL of a new bucket."""
        bucket = f"bucket-{next(self._numbers)}"
        self._client.put(f"/{bucket}").raise_for_status()
        return f"s3://{bucket}"

    def keep_back(self, end: str, *, done: bool) -> None:
        """The next put of an object whose name ends so is kept at the door, once it is `done` or before."""
        self._tell("keep", end=end, done=int(done))

    def wait_until_kept(self) -> None:
        """Until it has come."""
        self._tell("wait")

    def let_go(self, *, lost: bool = False) -> None:
        """It goes on, also if it is still to come; where its answer is `lost`, the client hears of a defect instead."""
        self._tell("go", lost=int(lost))

    def age(self, by: timedelta) -> None:
        """Every object was written that much earlier."""
        self._tell("age", seconds=by.total_seconds())

    def close(self) -> None:
        self._client.close()
        self._process.communicate(timeout=PATIENCE)

    def _tell(self, what: str, **how: Any) -> None:
        self._client.post(f"{DOOR}{what}", params=how).raise_for_status()


# What runs in its process


@dataclass
class Kept:
    """A put that is kept back."""

    end: str
    done: bool
    lost: bool = False
    came: threading.Event = field(default_factory=threading.Event)
    goes: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        self.came.set()
        self.goes.wait()


class Door:
    """What every request to `app` comes through."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._one = threading.Lock()
        self._kept = Kept("", done=False)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        from werkzeug.wrappers import Request, Response

        request = Request(environ)
        if request.path.startswith(DOOR):
            getattr(self, request.path.removeprefix(DOOR))(request.args)
            return Response()(environ, start)
        kept = self._kept if request.method == "PUT" and self._is_kept(request.path) else None
        if kept and not kept.done:
            kept.stop()
        with self._one:
            answer = Response.from_app(self._app, environ, buffered=True)
        if kept and kept.done:
            kept.stop()
        return (Response(status=500) if kept and kept.lost else answer)(environ, start)

    def _is_kept(self, path: str) -> bool:
        return bool(self._kept.end) and not self._kept.came.is_set() and path.endswith(self._kept.end)

    def keep(self, how: Mapping[str, str]) -> None:
        self._kept = Kept(how["end"], done=how["done"] == "1")

    def wait(self, how: Mapping[str, str]) -> None:
        assert self._kept.came.wait(PATIENCE)

    def go(self, how: Mapping[str, str]) -> None:
        self._kept.lost = how["lost"] == "1"
        self._kept.goes.set()

    def age(self, how: Mapping[str, str]) -> None:
        by = timedelta(seconds=float(how["seconds"]))
        with self._one:
            for each in _objects():
                each.last_modified -= by


def _objects() -> Iterator[Any]:
    """All that are there."""
    from moto.s3.models import s3_backends

    for account in s3_backends.values():
        for backend in account.values():
            for bucket in backend.buckets.values():
                yield from bucket.keys.values()


def serve() -> None:
    """Says its port, and serves until whoever has started it closes the pipe, or is no more."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    door = Door(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
