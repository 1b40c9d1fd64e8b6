"""Python looks for garbage once a command has what it needs: what is imported stays, and looking at it again and again
takes a seventh of a start.
"""

import atexit
import gc


def wait() -> None:
    """Nothing is looked at for now."""
    gc.disable()


def begin() -> None:
    """From now on what is made is looked at; what is there already is not, which spares a server pauses."""
    gc.freeze()
    gc.enable()
    atexit.register(gc.unfreeze)  # or DuckDB would complain, at the very end, of what is left of it
