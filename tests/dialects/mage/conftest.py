"""The dialect, called in this process as Mage's clients call it."""

from tests.api.conftest import alone, as_role, client, either, served

__all__ = ["alone", "as_role", "client", "either", "served"]
