"""How much of one line is kept: all of it up to `LONGEST` bytes, else its two ends."""

from headrace.logs.masking import Mask

LONGEST = 16 * 2**10  # bytes
HALF = LONGEST // 2 - 32  # so that both with the words between them are no longer than that


def text(raw: bytes, mask: Mask) -> str:
    """The text of a line, masked, with U+FFFD for what is not UTF-8."""
    if len(raw) <= LONGEST:
        return mask(_decoded(raw))
    return _joined(_head(raw, HALF, mask), len(raw), _tail(raw, HALF, mask), mask)


def text_of_ends(front: bytes, left_out: int, back: bytes, mask: Mask) -> str:
    """The text of a line of which `left_out` bytes between its two ends are gone.

    A secret may have been torn there, so as many bytes beside the gap as the longest secret has are left out too.
    """
    head = _head(front, min(HALF, len(front) - mask.longest), mask)
    tail = _tail(back, min(HALF, len(back) - mask.longest), mask)
    return _joined(head, len(front) + left_out + len(back), tail, mask)


def _head(raw: bytes, size: int, mask: Mask) -> bytes:
    return raw[: mask.around(raw, _character(raw, max(0, size)))[0]]


def _tail(raw: bytes, size: int, mask: Mask) -> bytes:
    return raw[mask.around(raw, _character(raw, len(raw) - max(0, size)))[1] :]


def _character(raw: bytes, place: int) -> int:
    """The start of the UTF-8 character at this place: at most three bytes before it."""
    for start in range(place, max(0, place - 4), -1):
        if start == len(raw) or raw[start] & 0xC0 != 0x80:
            return start
    return place


def _joined(head: bytes, size: int, tail: bytes, mask: Mask) -> str:
    left_out = size - len(head) - len(tail)
    return f"{mask(_decoded(head))}… {left_out} bytes left out …{mask(_decoded(tail))}"


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
