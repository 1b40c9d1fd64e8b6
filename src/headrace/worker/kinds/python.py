"""Blocks written in Python: a file with a decorated function, and perhaps functions that test what it returned.

The file's text is run in a module of its own that already holds the decorators of its type, as Mage does it: the
usual guard `if 'data_loader' not in globals()` then imports nothing, an import does no harm, and a file without any
works too. The first function that carries the decorator of the block's type is the block.
"""

import inspect
import os
import posixpath
import sys
import traceback
from collections.abc import Mapping, Sequence
from inspect import Parameter
from math import inf
from types import FunctionType
from typing import Any, NamedTuple, NoReturn

from headrace import errors
from headrace.worker import running, source, wire

_DECORATORS = {"conditional": "condition"}  # of types whose decorator has another name
_NAMED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def module_for(task: wire.Task) -> running.Block:
    """The block, its module still empty but for the decorators."""
    name = posixpath.splitext(task.file)[0].replace("/", ".")
    module = running.Module(f"{task.workplace.project}.{name}")
    own = _DECORATORS.get(task.kind, task.kind)
    for name in (own, "test", "preprocesser"):
        module.__dict__[name] = running.decorator(name)
    return running.Block(own, module)


def load(block: running.Block, code: source.Source, inputs: Mapping[str, Any]) -> None:
    """Runs the file. Of `inputs` it finds those that it names: what nobody names can be let go of sooner."""
    block.module.__dict__.update({name: value for name, value in inputs.items() if name in code.words})
    running.loading = block
    try:
        with OneProcess():
            exec(code.code, block.module.__dict__)  # noqa: S102 - the block's own file, which is what we are for
    finally:
        running.loading = None


def marked(block: running.Block, task: wire.Task, given: int) -> running.Function:
    """The function to run. NoDecoratedFunction, or WrongArguments when it does not take as many as are `given`."""
    found = block.decorated.get(block.decorator)
    if not found:
        raise errors.NoDecoratedFunction(block=task.block, file=task.file, decorator=block.decorator)
    chosen = found[0]
    shape = _shape(chosen)
    if not shape.least <= given <= shape.most:
        takes = _counted(shape.least, shape.most)
        name = getattr(chosen, "__name__", repr(chosen))
        raise errors.WrongArguments(
            decorator=block.decorator, function=name, block=task.block, takes=takes, given=given
        )
    return chosen


def call(function: running.Function, arguments: Sequence[Any], variables: Mapping[str, Any]) -> Any:
    """What the function returns; keyword arguments go only to one that takes any. A coroutine is run to its end."""
    named: Mapping[str, Any] = variables if _shape(function).any_keyword else {}
    with OneProcess():
        value = function(*arguments, **named)
        return _completed(value) if inspect.iscoroutine(value) else value


def takes_arguments(function: running.Function) -> bool:
    """Whether it takes any positional argument."""
    return _shape(function).most > 0


def takes(function: running.Function, count: int) -> bool:
    """Whether it can be called with that many positional arguments."""
    return _shape(function).most >= count


class OneProcess:
    """User code that forks comes back twice; the child is not the worker, and ends here."""

    def __enter__(self) -> None:
        self._worker = os.getpid()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if os.getpid() != self._worker:
            _end(error)


def _end(error: BaseException | None) -> NoReturn:
    if error is not None and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    sys.stdout.flush()
    left_with = error.code if isinstance(error, SystemExit) else error
    os._exit(left_with if isinstance(left_with, int) else int(left_with is not None))


class _Shape(NamedTuple):
    """How many positional arguments a function takes, and whether it takes keyword arguments of any name."""

    least: int
    most: float
    any_keyword: bool


def _shape(function: running.Function) -> _Shape:
    """That of a callable that does not tell is taken to be `(*args, **kwargs)`."""
    if type(function) is FunctionType and not vars(function):  # a plain one: what `signature` would make of it, sooner
        code, optional = function.__code__, len(function.__defaults__ or ())
        most = inf if code.co_flags & inspect.CO_VARARGS else code.co_argcount
        return _Shape(code.co_argcount - optional, most, bool(code.co_flags & inspect.CO_VARKEYWORDS))
    try:
        return _shape_of(inspect.signature(function))
    except (TypeError, ValueError):
        return _Shape(0, inf, True)


def _shape_of(signature: inspect.Signature) -> _Shape:
    each = signature.parameters.values()
    kinds = {parameter.kind for parameter in each}
    named = [parameter for parameter in each if parameter.kind in _NAMED]
    least = sum(parameter.default is Parameter.empty for parameter in named)
    return _Shape(least, inf if Parameter.VAR_POSITIONAL in kinds else len(named), Parameter.VAR_KEYWORD in kinds)


def _counted(least: int, most: float) -> str:
    if most == inf:
        return f"{least} arguments or more"
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"


def _completed(coroutine: Any) -> Any:
    import asyncio  # only here: most blocks have no use for it, and it is half of a bare worker's imports

    return asyncio.run(coroutine)
