"""Cut: a place between two lines of a run, across all of its logs; and how it is written as a cursor."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

MOST = 2**16  # characters of a cursor that are looked at


@dataclass(frozen=True, slots=True)
class Cut:
    """How far each log of a run is before it: up to its place in `places`; else the whole of it if its number is at most `upto`.

    Of logs beyond `upto` nothing is before it. So a cut has places only for attempts that ran side by side, however many
    there were before, and those that come later are behind it.
    """

    upto: int = 0
    places: Mapping[int, int] = field(default_factory=dict[int, int])  # in bytes, by the number of the log


BEGIN = Cut()


def written(cut: Cut, run: int) -> str:
    """A cursor: letters, digits, - and _ of which nobody is to make anything."""
    flat = [run, cut.upto, *(number for pair in sorted(cut.places.items()) for number in pair)]
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(flat)).rstrip(b"=").decode()


def read(cursor: str, run: int) -> Cut:
    """The cut of a cursor; ValueError when it is none, or one of another run."""
    try:
        raw = base64.b64decode(cursor[:MOST] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of_run, upto, *flat = _numbers.decode(raw)
    except (binascii.Error, msgspec.MsgspecError) as error:
        raise ValueError(str(error)) from None
    if of_run != run or len(flat) % 2 or min(upto, *flat, 0) < 0:
        raise ValueError("it is of another run")
    return Cut(upto, dict(zip(flat[::2], flat[1::2], strict=True)))


_numbers = msgspec.msgpack.Decoder(list[int])
