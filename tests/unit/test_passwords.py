"""Passwords are kept as hashes that take long to try."""

import statistics
import time

import pytest
from argon2 import PasswordHasher

from headrace import passwords

KEPT = passwords.digest("correct horse")


def test_only_the_password_itself_is_the_same() -> None:
    assert KEPT.startswith("$argon2id$v=19$m=19456,t=4,p=1$")
    assert "correct" not in KEPT
    assert passwords.same("correct horse", KEPT)
    assert not passwords.same("correct horse ", KEPT)
    assert passwords.digest("correct horse") != KEPT, "each has a salt of its own"


@pytest.mark.parametrize("kept", [None, "", "x", "$argon2id$v=19$m=19456,t=4,p=1$c2FsdA$x"])
def test_nothing_is_the_same_as_what_is_no_hash(kept: str | None) -> None:
    assert not passwords.same("", kept)
    assert not passwords.same("correct horse", kept)


def test_a_hash_of_other_parameters_is_dated() -> None:
    assert not passwords.is_dated(KEPT)
    assert passwords.is_dated(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))


def test_it_takes_as_long_to_say_no_where_there_is_no_hash() -> None:
    def took(kept: str | None) -> float:
        began = time.process_time()
        passwords.same("wrong", kept)
        return time.process_time() - began

    took(None)  # makes the hash of nobody
    wrong, nobody = (statistics.median(took(kept) for _ in range(5)) for kept in (KEPT, None))
    assert 0.5 < nobody / wrong < 2
