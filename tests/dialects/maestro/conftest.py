"""The dialect, called in this process as clients of Maestro call it."""

from tests.dialects.maestro.stories import orders, store

__all__ = ["orders", "store"]
