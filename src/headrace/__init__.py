"""headrace runs data pipelines; its heart is the pipeline run."""

import importlib
from typing import TYPE_CHECKING, Any

from headrace.version import __version__

if TYPE_CHECKING:
    from headrace.client.front import Client
    from headrace.worker.secret import read as secret

__all__ = ["Client", "__version__", "secret"]

_OFFERED = {"Client": ("headrace.client.front", "Client"), "secret": ("headrace.worker.secret", "read")}


def __getattr__(name: str) -> Any:
    """What is offered is imported when it is asked for: most of headrace does without."""
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room, own = _OFFERED[name]
    return getattr(importlib.import_module(room), own)
