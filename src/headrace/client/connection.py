"""A connection: requests to one server, sent again where that is safe, and their answers as values."""

import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from headrace import clock, errors, identity, version
from headrace.client import problems
from headrace.client.address import Address

FIRST, LONGEST = 0.1, 2.0  # seconds between two tries: twice as many each time, up to the longest
SILENCE = 45.0  # seconds without a word after which a stream is taken for dead; the server says something every 15
NEW = 201  # what a server answers that has made something
AWAY = 503  # what a server answers whose database does not
SAFE = frozenset({"GET", "PUT"})  # sent twice they do the same as sent once
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Connection:
    """To the API under that address.

    A request is sent again for `patience` seconds: after an answer that was lost if it is safe or has a key, and if it
    was never sent. A server that has never answered is not waited for.
    """

    def __init__(self, address: Address, *, patience: float, timeout: float) -> None:
        self.url = address.url
        self._patience = patience
        self._timeout = timeout
        self._answered = False
        is_secure = address.url.startswith("https:")
        headers = {"User-Agent": f"headrace/{version.__version__}"}
        self._http = httpx.Client(
            base_url=f"{address.url}/v1",
            headers={**headers, **({"Authorization": f"Bearer {address.token}"} if address.token else {})},
            timeout=httpx.Timeout(timeout, connect=5.0),
            verify=is_secure,  # without TLS there is nothing to verify with
            trust_env=is_secure or not address.is_local,  # no proxy is told what is meant for this machine
        )

    def close(self) -> None:
        self._http.close()

    def read(self, path: str, wait: float | None = None, **given: Any) -> Any:
        """What there is, as JSON has it. What is None or empty is not asked for."""
        return _json(self._send("GET", path, params=_asked(given), wait=wait))

    def do(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        wait: float | None = None,
        **given: Any,
    ) -> Any:
        """Has something done; what the server says of it, None where it says nothing."""
        answer = self._send(method, path, body, params=_asked(given), key=key, wait=wait)
        return _json(answer) if answer.content else None

    def make(self, path: str, body: Any, key: str | None, wait: float | None = None) -> tuple[Any, bool]:
        """What was asked for under that key, or under one of its own, and whether it is new."""
        answer = self._send("POST", path, body, params={}, key=key or identity.new(), wait=wait)
        return _json(answer), answer.status_code == NEW

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], **given: Any) -> Generator[httpx.Response]:
        """An answer that goes on. httpx.TransportError where it breaks off; what `read` raises where it is refused."""
        timeout = httpx.Timeout(self._timeout, connect=5.0, read=SILENCE)
        with self._http.stream("GET", path, params=_asked(given), headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                answer.read()
                raise problems.error(answer)
            self._answered = True
            yield answer

    def patience(self) -> "Patience":
        """For tries of something that a server which has answered before may have to come back for."""
        return Patience(self._patience if self._answered else 0.0)

    def unreached(self, error: httpx.HTTPError) -> errors.ServerUnreached:
        return errors.ServerUnreached(url=self.url, why=str(error) or type(error).__name__)

    def _send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, Any],
        key: str | None = None,
        wait: float | None = None,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        headers |= {"Prefer": f"wait={wait:.0f}"} if wait else {}
        content = None if body is None else _written_body(body)
        headers |= {} if content is None else {"Content-Type": "application/json"}
        timeout = httpx.Timeout(self._timeout + (wait or 0.0), connect=5.0)
        request = self._http.build_request(
            method, path, params=params, content=content, headers=headers, timeout=timeout
        )
        return self._answer(request, again=method in SAFE or key is not None)

    def _answer(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        patience = Patience(self._patience)
        while True:
            try:
                answer = self._http.send(request)
            except httpx.TransportError as error:
                lost = not isinstance(error, NEVER_SENT)
                if not (again if lost else self._answered) or not patience.wait():
                    raise self.unreached(error) from error
                continue
            except httpx.HTTPError as error:
                raise self.unreached(error) from error
            self._answered = True
            if answer.status_code == AWAY and again and patience.wait():
                continue
            if not answer.is_success:
                raise problems.error(answer)
            return answer


class Patience:
    """How long something is tried again, and how long is waited before each time."""

    def __init__(self, seconds: float) -> None:
        self._until = clock.monotonic() + seconds
        self._pause = FIRST

    def wait(self) -> bool:
        """Waits before the next try; whether there is to be one."""
        if clock.monotonic() + self._pause > self._until:
            return False
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST)
        return True


def path(*parts: object) -> str:
    """The path of these parts; whatever characters a name has, it is one part."""
    return "".join(f"/{quote(str(each), safe='')}" for each in parts)


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise problems.odd(error) from error


def _written_body(body: Any) -> bytes:
    """As JSON has it. BadBody for what it has not: NaN and infinities, halves of characters, values of other kinds."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, default=_plain).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise errors.BadBody(field="the whole", given=f"no JSON ({error})", expected="values that JSON has") from None


def _plain(given: Any) -> Any:
    """Moments in ISO 8601; dataclasses as objects, mappings and sequences of other kinds as those of JSON."""
    return msgspec.to_builtins(given)


def _asked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say something; moments in ISO 8601, several values of one name one after the other."""
    found = {name: _written(value) for name, value in given.items()}
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def _written(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_written(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value.isoformat() if hasattr(value, "isoformat") else value
