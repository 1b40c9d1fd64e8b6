"""The home that commands look into and write to."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from headrace import app, settings


@contextmanager
def opened() -> Generator[app.App]:
    """The home of this environment; no engine is started."""
    with app.App(settings.load(os.environ)) as found:
        yield found
