"""An exception of a block → model.run.Failure: what went wrong, and where the user's own code was then."""

import linecache
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import headrace
from headrace import errors
from headrace.model.run import Failure
from headrace.worker import source

LONGEST = 2 * 64 * 2**10  # characters of a message or traceback: of a longer one, half of it is kept at either end

_OURS = str(Path(headrace.__file__).parent) + os.sep
_MACHINERY = "<frozen importlib"


def describe(error: BaseException, live: str) -> Failure:
    """The failure that `error` is in a project whose folder is `live`. It never raises, whatever the error does."""
    file, line, function = _place(error, live)
    code = linecache.getline(file, line).strip() if file and line else None
    if isinstance(error, SyntaxError) and error.text:
        code = error.text.strip()
    return Failure(
        type=_kind(error),
        message=bounded(said(error) or (code or "" if isinstance(error, AssertionError) else "")),
        traceback=bounded(_traceback(error)),
        file=file,
        line=line,
        function=function,
        code=bounded(code) if code else None,
    )


def said(error: BaseException) -> str:
    """What the error says of itself."""
    try:
        return str(error)
    except Exception as why:
        return f"<this {type(error).__name__} has no message: its __str__ raised {type(why).__name__}>"


def bounded(text: str) -> str:
    """The text, of bounded length, and with escapes in place of what UTF-8 cannot hold."""
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = f"{text[:half]}\n… {len(text) - LONGEST} characters left out …\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def _kind(error: BaseException) -> str:
    """The name of its class, with the module unless that is Python's own, ours or the block."""
    kind = type(error)
    plain = kind.__module__ in ("builtins", "__main__", "headrace.errors") or "<" in kind.__qualname__
    return kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"


def _place(error: BaseException, live: str) -> tuple[str | None, int | None, str | None]:
    """File, line and function of the deepest frame of the project's own code, or of the code that does not compile.

    A query knows its own place.
    """
    if isinstance(error, errors.QueryFailed):
        return error.facts["file"], error.facts["line"], None
    if isinstance(error, SyntaxError) and source.is_live(error.filename or "", live):
        return error.filename, error.lineno, None
    own = [frame for frame in _frames(error.__traceback__) if source.is_live(frame[0], live)]
    return own[-1] if own else (None, None, None)


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int, str]]:
    """File, line and function of each frame, the deepest last."""
    while trace is not None:
        code = trace.tb_frame.f_code
        yield code.co_filename, trace.tb_lineno, code.co_qualname
        trace = trace.tb_next


def _traceback(error: BaseException) -> str:
    try:
        rendered = traceback.TracebackException.from_exception(error, compact=True)
        _leave_out_ours(rendered)
        return "".join(rendered.format())
    except Exception:  # an exception of the user's can break whatever looks at it
        return f"{type(error).__name__}: {said(error)}\n"


def _leave_out_ours(rendered: traceback.TracebackException) -> None:
    """Drops the frames between the user's code and Python's that are headrace's, here and in what it came from."""
    rendered.stack[:] = [frame for frame in rendered.stack if not frame.filename.startswith((_OURS, _MACHINERY))]
    for other in (rendered.__cause__, rendered.__context__, *(rendered.exceptions or ())):
        if other is not None:
            _leave_out_ours(other)
