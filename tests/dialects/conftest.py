"""A server in this process, as clients of any dialect call it."""

from tests.api.conftest import alone, as_role, client, either, served

__all__ = ["alone", "as_role", "client", "either", "served"]
