"""Blocks written in Python: a file with a decorated function, and perhaps functions that test what it returned.

The file's text is run in a module of its own that already holds the decorators of its type, as Mage does it: the
usual guard `if 'data_loader' not in globals()` then imports nothing, an import does no harm, and a file without any
works too. The first function that carries the decorator of the block's type is the block.
"""

import inspect
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from inspect import Parameter
from pathlib import PurePosixPath
from typing import Any, NoReturn

from headrace import errors
from headrace.worker import running, source, wire

_DECORATORS = {"conditional": "condition"}  # of types whose decorator has another name
_NAMED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def module_for(task: wire.Task) -> running.Block:
    """The block, its module still empty but for the decorators."""
    parts = PurePosixPath(task.file).with_suffix("").parts
    module = running.Module(".".join((task.workplace.project, *parts)))
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
    parameters = _parameters(chosen)
    named = [each for each in parameters if each.kind in _NAMED]
    least = sum(each.default is Parameter.empty for each in named)
    most = float("inf") if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters) else len(named)
    if not least <= given <= most:
        takes = _counted(least, most)
        name = getattr(chosen, "__name__", repr(chosen))
        raise errors.WrongArguments(
            decorator=block.decorator, function=name, block=task.block, takes=takes, given=given
        )
    return chosen


def call(function: running.Function, arguments: Sequence[Any], variables: Mapping[str, Any]) -> Any:
    """What the function returns; keyword arguments go only to one that takes any. A coroutine is run to its end."""
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in _parameters(function))
    with OneProcess():
        value = function(*arguments, **(variables if takes_any else {}))
        return _completed(value) if inspect.iscoroutine(value) else value


def takes_arguments(function: running.Function) -> bool:
    """Whether it takes any positional argument."""
    return any(each.kind in (*_NAMED, Parameter.VAR_POSITIONAL) for each in _parameters(function))


def takes(function: running.Function, count: int) -> bool:
    """Whether it can be called with that many positional arguments."""
    each = [parameter.kind for parameter in _parameters(function)]
    return Parameter.VAR_POSITIONAL in each or sum(kind in _NAMED for kind in each) >= count


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


def _parameters(function: running.Function) -> list[Parameter]:
    """Its parameters; those of a callable that does not tell are taken to be `(*args, **kwargs)`."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [Parameter("args", Parameter.VAR_POSITIONAL), Parameter("kwargs", Parameter.VAR_KEYWORD)]


def _counted(least: int, most: float) -> str:
    if most == float("inf"):
        return f"{least} arguments or more"
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"


def _completed(coroutine: Any) -> Any:
    import asyncio  # only here: most blocks have no use for it, and it is half of a bare worker's imports

    return asyncio.run(coroutine)
