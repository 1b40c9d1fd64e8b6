"""Where the project is. The names are those of Mage 0.9.80."""

import os
from pathlib import Path
from typing import Any

from headrace.worker import running


def get_repo_path(*_given: Any, **_options: Any) -> str:
    """The absolute path of the live project folder; what Mage's function may be given makes no difference."""
    return running.workplace.live if running.workplace else str(Path.cwd())


def get_variables_dir(*_given: Any, **_options: Any) -> str:
    """Where Mage keeps a project's variables: a folder of its name in MAGE_DATA_DIR, or else in `~/.mage_data`."""
    return str(Path(os.environ.get("MAGE_DATA_DIR") or Path.home() / ".mage_data", Path(get_repo_path()).name))
