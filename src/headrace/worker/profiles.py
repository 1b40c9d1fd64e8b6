"""Profiles: what `io_config.yaml` says of connections, read in the block's process and kept nowhere."""

import os
from pathlib import Path
from typing import Any, cast

from headrace import errors
from headrace.worker import secret


def read(file: Path, profile: str) -> dict[str, Any]:
    """The settings of that profile. BadProject for a file that cannot be read, or has none of this name."""
    found = _profiles(file)
    if not isinstance(found.get(profile), dict):
        names = ", ".join(name for name, each in found.items() if isinstance(each, dict)) or "none"
        raise errors.BadProject(file=file, why=f"it has no profile {profile}; it has {names}")
    return found[profile]


def _profiles(file: Path) -> dict[str, Any]:
    from headrace.project import document, faults, rendering  # slow to import, and most blocks have no use for it

    try:
        text = rendering.render(file.read_text("utf-8-sig"), os.environ, secret.read)
        found = document.parse(text).value
    except OSError as error:
        raise errors.BadProject(file=file, why=error.strerror or str(error)) from error
    except (UnicodeDecodeError, rendering.NotRendered, faults.NotYaml, faults.NotPlain) as error:
        raise errors.BadProject(file=file, why=str(error)) from error
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
