"""Documents become values."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from headrace.client import problems

T = TypeVar("T")


def value(document: Any, kind: Callable[..., T] | type[T]) -> T:
    """The document as a value of that kind; ServerProblem when it is none. What is not known of it is passed over."""
    try:
        return msgspec.convert(document, kind)  # pyright: ignore[reportArgumentType]
    except msgspec.ValidationError as error:
        raise problems.odd(error) from error
