"""A `retry_config` as it is written."""

from typing import Any

from headrace.model import retry
from headrace.project.fields import Field


def read(written: Field) -> dict[str, Any]:
    """What is written of a retry_config, nulls left out. Raises Wrong at the entry that is not of its kind."""
    given = {name: value for name, value in written.mapping().items() if value is not None}
    for name, value in given.items():
        try:
            retry.Policy.read({name: value})
        except ValueError as error:
            raise written.at(name).refused(str(error)) from None
    return given
