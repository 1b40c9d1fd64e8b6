"""headrace runs data pipelines; its heart is the pipeline run."""

import importlib
from typing import TYPE_CHECKING, Any

from headrace.version import __version__

if TYPE_CHECKING:
    from headrace.client.front import Client

__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    """The client is imported when it is asked for: most of headrace does without."""
    if name == "Client":
        return importlib.import_module("headrace.client.front").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
