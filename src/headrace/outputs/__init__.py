"""What blocks leave behind: kept in files of the attempt's own folder, given back elsewhere as the same value.

`save` and `load` serve the worker: a value goes into files, and comes out in another process. `profile`, which may
come later, looks at what lies there and names columns as `different` does; `head` shows people its beginning and never
unpickles. Importing this room imports none of the libraries whose values it keeps: a value is known by its type's
name, and the file that speaks to its library is imported when there is something for it to do.
"""

from headrace.outputs.heads import Head, head, value
from headrace.outputs.kept import argument, load, save, there
from headrace.outputs.profiles import different, profile
from headrace.outputs.returned import is_kept_whole, split

__all__ = [
    "Head",
    "argument",
    "different",
    "head",
    "is_kept_whole",
    "load",
    "profile",
    "save",
    "split",
    "there",
    "value",
]
