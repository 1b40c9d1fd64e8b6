"""Source: one Python file of a snapshot, compiled under the name of the live file.

Errors and debuggers thus speak of the file that the user knows, while the lines they show are those that ran.
"""

import ast
import linecache
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tokenize import open as open_source
from types import CodeType


@dataclass(frozen=True, slots=True)
class Source:
    """`imports` are the modules it imports anywhere in it, `words` the names and short texts that occur in it."""

    path: str  # of the live file, absolute
    text: str
    code: CodeType
    imports: frozenset[str]
    words: frozenset[str]

    def show(self) -> None:
        """Makes tracebacks show the lines of this text, whatever the live file holds by now."""
        show(self.path, self.text)


def is_live(path: str, live: str) -> bool:
    """Whether the path lies in the live project folder, and not in an environment that is installed there."""
    return (path == live or path.startswith(live + os.sep)) and not any(name in path for name in _INSTALLED)


_INSTALLED = ("site-packages", "dist-packages")
_read: dict[tuple[str, str], Source] = {}


def read(snapshot: str, live: str, file: str) -> Source:
    """The source of `file`, a posix path relative to both folders; read and compiled once in the life of a process.

    OSError when it cannot be read, SyntaxError or ValueError when it does not compile; the lines are shown even then.
    """
    source = _read.get((snapshot, file))
    if source is None:
        source = _read[snapshot, file] = _compile(Path(snapshot, file), str(Path(live, file)))
    source.show()
    return source


def _compile(path: Path, live: str) -> Source:
    with open_source(str(path)) as opened:  # it heeds the file's own declaration of its encoding
        text = opened.read()
    show(live, text)
    tree = ast.parse(text, live)
    code = compile(tree, live, "exec", dont_inherit=True)
    return Source(live, text, code, frozenset(_imports(tree)), frozenset(_words(tree)))


def show(path: str, text: str) -> None:
    """Whoever asks for the lines of that file is shown those of this text."""
    lines = [f"{line}\n" for line in text.splitlines()]
    linecache.cache[path] = (len(text), None, lines, path)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
