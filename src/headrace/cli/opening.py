"""A home is opened with an engine of its own."""

import contextlib
import errno
from collections.abc import Generator

from headrace import errors
from headrace.app import App
from headrace.cli import exits, garbage
from headrace.engine.executor import Executor
from headrace.engine.observers import Observer
from headrace.settings import Settings

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


@contextlib.contextmanager
def opened(settings: Settings, executor: Executor, *observers: Observer, own: bool) -> Generator[App]:
    """The home, with an engine that is ended with it. Raises the BadInput for which it cannot be."""
    with contextlib.ExitStack() as made:
        unused = made.enter_context(contextlib.ExitStack())
        unused.callback(executor.close)
        with refusing(settings):
            app = made.enter_context(App(settings))
            app.start(observers, executor, own=own)
        unused.pop_all()
        garbage.begin()
        yield app


@contextlib.contextmanager
def refusing(settings: Settings) -> Generator[None]:
    """Before anything has begun, a home or a disk that cannot take it is bad input."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise errors.HomeUnwritable(path=settings.home, why=exits.why(error)) from error
        raise
