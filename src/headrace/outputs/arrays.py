"""numpy arrays of any number of dimensions, as .npy files mapped by the reader."""

import errno
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from headrace.model.output import Output

np: Any = import_module("numpy")


def save(value: Any, path: Path) -> dict[str, Any]:
    with path.open("wb") as file:
        try:
            np.lib.format.write_array(file, value, version=(3, 0), allow_pickle=False)
        except OSError as error:
            if error.errno is None:  # numpy says how much was written, and not why it was not all
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
    return {
        "rows": len(value) if value.ndim else None,
        "extra": {"shape": list(value.shape), "dtype": str(value.dtype)},
    }


def load(path: Path, output: Output) -> Any:
    """The array, mapped privately: it can be written to, and the file does not change."""
    if path.stat().st_size != output.bytes:
        raise ValueError(f"it has {path.stat().st_size} bytes; {output.bytes} were written")
    return np.asarray(np.lib.format.open_memmap(path, mode="c"))
