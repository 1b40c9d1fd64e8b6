"""A process as it was: what a block changed of the interpreter, the process and its libraries is put back.

Each function here looks at one thing, remembers it, and gives back the function that restores it. They cost
microseconds where nothing was changed. What cannot be put back is for `leftovers` to notice.
"""

import builtins
import contextvars
import gc
import locale
import logging
import os
import random
import resource
import signal
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from headrace.worker import libraries

Restore = Callable[[], None]
Value = TypeVar("Value")


class Pristine:
    """The state of this process at the moment of its making."""

    def __init__(self) -> None:
        self._restores = {keep.__name__: keep() for keep in _KEPT}
        self.notice()

    def mend(self) -> None:
        """Puts back what our own code could stumble over, as soon as the block's is done."""
        self._restores["interpreter"]()
        _cancel_alarms()

    def notice(self) -> None:
        """Looks at the libraries that were loaded since it last looked."""
        for name, keep in libraries.KEPT.items():
            if name in sys.modules and keep.__name__ not in self._restores:
                self._restores[keep.__name__] = keep()

    def run(self, block: Callable[[], Value]) -> Value:
        """Calls `block` in a context of its own: context variables and filters of warnings end with it."""
        with warnings.catch_warnings():
            return contextvars.copy_context().run(block)

    def restore(self) -> list[str]:
        """Puts everything back; says what could not be."""
        return [trouble for name, put_back in self._restores.items() if (trouble := _tried(name, put_back))]


def _tried(name: str, put_back: Restore) -> str | None:
    try:
        put_back()
    except Exception as error:
        return f"its {name.replace('_', ' ')} could not be put back: {error}"
    return None


def environment() -> Restore:
    kept = dict(os.environ)
    held: Any = getattr(os.environ, "_data", os.environ)  # the encoded names and values behind it are quick to compare
    as_held = dict(held)

    def put_back() -> None:
        if held != as_held:
            os.environ.clear()
            os.environ.update(kept)

    return put_back


def interpreter() -> Restore:
    """The names in `sys` and `builtins`, and what their lists hold."""
    spaces = [(vars(module), dict(vars(module))) for module in (sys, builtins)]
    lists: list[tuple[list[Any], list[Any]]] = [
        (each, list(each)) for each in (sys.path, sys.argv, sys.meta_path, sys.path_hooks, gc.callbacks)
    ]

    def put_back() -> None:
        for space, kept in spaces:
            if space != kept:
                space.update(kept)
                for added in space.keys() - kept.keys():
                    del space[added]
        for each, held in lists:
            if each != held:
                each[:] = held

    return put_back


def switches() -> Restore:
    """What the interpreter lets be set by a function of its own."""
    pairs: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (sys.getswitchinterval, sys.setswitchinterval),
        (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
        (sys.gettrace, sys.settrace),
        (sys.getprofile, sys.setprofile),
        (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
        (gc.get_threshold, lambda kept: gc.set_threshold(*kept)),
        (gc.get_debug, gc.set_debug),
        (socket.getdefaulttimeout, socket.setdefaulttimeout),
        (lambda: locale.setlocale(locale.LC_ALL), lambda kept: locale.setlocale(locale.LC_ALL, kept)),
    ]
    return _settings(pairs)


def process() -> Restore:
    """What the kernel keeps for this process."""
    limits = [getattr(resource, f"RLIMIT_{name}") for name in ("AS", "DATA", "CPU", "NOFILE", "FSIZE")]
    pairs: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (lambda: os.getpriority(os.PRIO_PROCESS, 0), lambda kept: os.setpriority(os.PRIO_PROCESS, 0, kept)),
        (lambda: os.sched_getaffinity(0), lambda kept: os.sched_setaffinity(0, kept)),
        (_umask, os.umask),
        *((lambda at=at: resource.getrlimit(at), lambda kept, at=at: resource.setrlimit(at, kept)) for at in limits),
    ]
    return _settings(pairs)


def working_directory() -> Restore:
    kept = os.getcwd()  # noqa: PTH109 - restored as it was spelled
    return lambda: os.chdir(kept)


def signals() -> Restore:
    """Handlers, the mask, and alarms that were set: those are cancelled."""
    kept = {number: signal.getsignal(number) for number in range(1, 32)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    def put_back() -> None:
        _cancel_alarms()
        for number, handler in kept.items():
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) != mask:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    return put_back


def _cancel_alarms() -> None:
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)


def random_numbers() -> Restore:
    """Each block gets random numbers of its own: what a seed leads to is not for the next, nor for a forked sibling."""
    random.seed()
    return random.seed


def loggers() -> Restore:
    """Levels, handlers, filters and flags of all loggers, and of their handlers. A new one is as if untouched."""
    kept = {each: _looks(each)._replace(handlers=[*each.handlers], filters=[*each.filters]) for each in _all_loggers()}
    handlers = [each for looks in kept.values() for each in looks.handlers]
    set_up = [(each, each.level, each.formatter, list(each.filters)) for each in handlers]
    disabled, kind, factory = logging.root.manager.disable, logging.getLoggerClass(), logging.getLogRecordFactory()

    def put_back() -> None:
        for logger in _all_loggers():
            _put_back(logger, kept.get(logger, _UNTOUCHED))
        for handler, level, formatter, filters in set_up:
            handler.level, handler.formatter, handler.filters = level, formatter, list(filters)
        logging.captureWarnings(False)
        if logging.root.manager.disable != disabled:
            logging.disable(disabled)
        logging.setLoggerClass(kind)
        logging.setLogRecordFactory(factory)

    return put_back


class _Looks(NamedTuple):
    level: int
    handlers: list[logging.Handler]
    filters: list[Any]
    propagate: bool
    disabled: bool


_UNTOUCHED = _Looks(0, [], [], True, False)


def _all_loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in known if isinstance(each, logging.Logger))]


def _looks(logger: logging.Logger) -> _Looks:
    """As they are now; its lists are the logger's own."""
    return _Looks(logger.level, logger.handlers, logger.filters, logger.propagate, logger.disabled)


def _put_back(logger: logging.Logger, looks: _Looks) -> None:
    if _looks(logger) == looks:
        return
    for handler in list(logger.handlers):
        if handler not in looks.handlers:
            handler.close()
    logger.setLevel(looks.level)  # this also makes loggers forget what they had computed
    logger.handlers, logger.filters = list(looks.handlers), list(looks.filters)
    logger.propagate, logger.disabled = looks.propagate, looks.disabled


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _settings(pairs: list[tuple[Callable[[], Any], Callable[[Any], Any]]]) -> Restore:
    kept = [(read, write, read()) for read, write in pairs]

    def put_back() -> None:
        for read, write, value in kept:
            if read() != value:
                write(value)

    return put_back


_KEPT = (interpreter, environment, working_directory, process, switches, signals, loggers, random_numbers)
