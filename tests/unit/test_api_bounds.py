"""How many connections there may be, and how many streams one caller may follow."""

import resource

import pytest

from headrace import errors
from headrace.api import bounds
from headrace.api.bounds import Streams
from headrace.model.access import Caller, Role

ADA = Caller("ada", Role.VIEWER, 1, user_id=7)
ADA_AGAIN = Caller("ada", Role.VIEWER, 2, user_id=7)
NOBODYS = Caller("nightly", Role.VIEWER, 7)


def test_a_user_has_the_same_streams_with_all_their_tokens() -> None:
    streams = Streams(1)
    with streams.followed(ADA):
        for caller in (ADA, ADA_AGAIN):
            with pytest.raises(errors.TooManyStreams), streams.followed(caller):
                pass
        with streams.followed(NOBODYS):
            pass
    with streams.followed(ADA_AGAIN):
        pass


def test_one_that_breaks_off_is_over() -> None:
    streams = Streams(1)
    with pytest.raises(OSError, match="gone"), streams.followed(ADA):
        raise OSError("gone")
    with streams.followed(ADA):
        pass


def test_there_are_no_more_connections_than_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((1024, 768), (10, 1), (10**6, 4096), (resource.RLIM_INFINITY, 4096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert bounds.connections(4096) == most
