"""Between an engine and its store: every call goes through a gate, which may let it fail, before or after it was done."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from headrace.store import Store

Gate = Callable[[str, str], None]  # is told the moment (before, within, after) and the call, such as "runs.claim"


class Gated(Store):
    """The real store. The gate stops a call by raising: `before` nothing was done, `after` all of it was.

    `within` is asked of transactions that are written, when all is there but the commit.
    """

    def __init__(self, store: Store, gate: Gate) -> None:
        self.listen = store.listen  # type: ignore[method-assign]
        self.close = store.close  # type: ignore[method-assign]
        for name in ("projects", "engines", "limits", "runs", "secrets", "datasets"):
            setattr(self, name, _Facet(name, getattr(store, name), gate))


class _Facet:
    def __init__(self, name: str, facet: Any, gate: Gate) -> None:
        self._name, self._facet, self._gate = name, facet, gate

    def __getattr__(self, name: str) -> Any:
        call, real, gate = f"{self._name}.{name}", getattr(self._facet, name), self._gate

        def gated(*args: Any, **named: Any) -> Any:
            gate("before", call)
            found = real(*args, **named)
            gate("after", call)
            return found

        @contextmanager
        def turn() -> Generator[Any]:
            gate("before", call)
            with real() as writing:
                yield writing
                gate("within", call)
            gate("after", call)

        made: Any = turn if name == "turn" else gated
        setattr(self, name, made)
        return made


class Trouble:
    """A gate that does what it was told to, each once and in that order, when its moment and call come."""

    def __init__(self) -> None:
        self.coming: list[tuple[str, str, Callable[[], None]]] = []
        self.calls: list[str] = []

    def __call__(self, moment: str, call: str) -> None:
        if moment == "before":
            self.calls.append(call)
        if self.coming and self.coming[0][:2] == (moment, call):
            self.coming.pop(0)[2]()

    def then(self, moment: str, call: str, do: Callable[[], None]) -> None:
        """At that moment of the next call of that name, something else happens."""
        self.coming.append((moment, call, do))

    def at(self, moment: str, call: str, error: BaseException) -> None:
        """The next call of that name fails at that moment."""
        self.then(moment, call, lambda: _fail(error))


def _fail(error: BaseException) -> None:
    raise error
