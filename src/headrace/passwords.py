"""Passwords: kept as argon2id hashes, which take long to make and long to try."""

import secrets
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

ROUNDS = 4
MEMORY = 19 * 1024  # KiB; with four rounds it takes some fifty milliseconds of a processor
LEAST, MOST = 8, 1024  # characters

_AT_ONCE = threading.BoundedSemaphore(2)  # a crowd at the door takes neither all the memory nor all processors


def digest(password: str) -> str:
    """The hash that is kept."""
    with _AT_ONCE:
        return _hasher().hash(password)


def same(password: str, kept: str | None) -> bool:
    """Whether the password has that hash. Where there is none it takes as long to say no."""
    from argon2.exceptions import InvalidHashError, VerificationError

    with _AT_ONCE:
        try:
            return _hasher().verify(kept or _nobody(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_dated(kept: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher  # takes long to import, and few need it

    return PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY, parallelism=1)


@cache
def _nobody() -> str:
    """The hash of what nobody can say."""
    return _hasher().hash(secrets.token_urlsafe(32))
