"""Source: what is known of a text of Python without running it."""

import ast
import hashlib
import threading
import warnings
from dataclasses import dataclass

_MOST_KEPT = 4096  # texts of which the findings are remembered


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's module; `names` are those taken from it, `level` the dots before it."""

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no Python; `line` counts from 1, `code` is what stands there, both where they are known."""

    why: str
    line: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a text imports, at its top and inside its functions, each once; or why it is no Python."""

    imports: tuple[Import, ...] = ()
    fault: Fault | None = None


def read(text: str) -> Source:
    """Look at a text; never raises. What was found out is remembered by content."""
    key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    known = _known.get(key)
    if known is None:
        if len(_known) >= _MOST_KEPT:
            _known.clear()
        known = _known[key] = _read(text)
    return known


_known: dict[bytes, Source] = {}
_filters = threading.Lock()  # the warning filters are the process's: two threads must not put them back crosswise


def _read(text: str) -> Source:
    try:
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler warns of, the user's own run says
            tree = ast.parse(text)
            compile(tree, "<block>", "exec", dont_inherit=True)  # finds what parsing alone does not: a stray `return`
    except SyntaxError as error:
        return Source(fault=Fault(error.msg, error.lineno, _line(text, error.lineno)))
    except (ValueError, RecursionError, MemoryError) as error:
        return Source(fault=Fault(str(error) or "it is nested too deeply to be read"))
    return Source(tuple(dict.fromkeys(found for node in ast.walk(tree) for found in _imports(node))))


def _imports(node: ast.AST) -> list[Import]:
    match node:
        case ast.Import(names):
            return [Import(each.name) for each in names]
        case ast.ImportFrom(module, names, level):
            return [Import(module or "", tuple(each.name for each in names), level or 0)]
        case _:
            return []


def _line(text: str, line: int | None) -> str:
    lines = text.splitlines()
    return lines[line - 1].strip()[:120] if line and line <= len(lines) else ""
