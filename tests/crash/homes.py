"""A home that a test opens in its own process, and whoever dies in another."""

import os
from pathlib import Path

from headrace import settings
from headrace.app import App


class Home:
    """`environment` is what the other process is given."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environment |= {"HEADRACE_HOME": str(folder / "home")}
        self.environment |= {"HEADRACE_DATABASE": database} if database else {}
        self.app = App(settings.load(self.environment))

    def close(self) -> None:
        self.app.close()
