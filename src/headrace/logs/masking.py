"""Values nobody may read in a log: each is replaced by *** before a line is stored."""

import functools
import re
from collections.abc import Iterator, Sequence

SHORTEST = 4  # characters; a shorter value would mask half of every text
STARS = "***"


class Mask:
    """Hides the given values in texts. Of a value of several lines each line is hidden as well, since a log has lines.

    Values, and lines of values, of fewer than four characters are left alone; blank at their ends is not counted.
    """

    def __init__(self, values: Sequence[str]) -> None:
        pieces = sorted({piece for value in values for piece in _pieces(value)}, key=len, reverse=True)
        within_a_line = [piece.encode("utf-8", "surrogatepass") for piece in pieces if not re.search(r"[\r\n]", piece)]
        self._text = re.compile("|".join(map(re.escape, pieces))) if pieces else None
        self._bytes = re.compile(b"|".join(map(re.escape, within_a_line))) if within_a_line else None
        self.longest = max(map(len, within_a_line), default=0)  # bytes of the longest that one line can hold

    def __call__(self, text: str) -> str:
        """The text with every value replaced. It is looked at again while that made changes: no value is left in it."""
        found = int(self._text is not None)
        while found and self._text:
            text, found = self._text.subn(STARS, text)
        return text

    def around(self, raw: bytes, cut: int) -> tuple[int, int]:
        """Where the value lies that a cut at this place would split; the place itself twice when there is none."""
        if not self._bytes:
            return cut, cut
        begin = max(0, cut - self.longest)
        for found in self._bytes.finditer(raw[begin : cut + self.longest]):
            if begin + found.start() < cut < begin + found.end():
                return begin + found.start(), begin + found.end()
        return cut, cut


@functools.lru_cache(maxsize=64)
def mask_of(values: tuple[str, ...]) -> Mask:
    """The mask of these values; attempts of one project share it."""
    return Mask(values)


def _pieces(value: str) -> Iterator[str]:
    for piece in (value, *re.split(r"[\r\n]+", value)):
        if len(piece.strip()) >= SHORTEST:
            yield piece.strip()
