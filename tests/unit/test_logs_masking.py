import pytest

from headrace.logs.masking import Mask


@pytest.mark.parametrize(
    ("values", "text", "masked"),
    [
        (("hunter22",), "password hunter22!", "password ***!"),
        (("abc",), "abc", "abc"),
        ((" abc ",), "x abc y", "x abc y"),
        (("    ",), "        indented", "        indented"),
        (("pass", "password"), "password", "***"),
        (("a.c+d",), "a.c+d abccd", "*** abccd"),
        (("one line\nand two\r\nx",), "and two or one line or x", "*** or *** or x"),
        (("one line\nx",), "all: one line\nx.", "all: ***."),
        (("trailing\n",), "trailing", "***"),
        (("****",), "a******b", "a***b"),
        (("a***b",), "a" + "a***b" + "b", "***"),
        ((), "nothing", "nothing"),
    ],
)
def test_values_are_replaced(values: tuple[str, ...], text: str, masked: str):
    assert Mask(values)(text) == masked


def test_around_finds_the_value_that_a_cut_would_split():
    mask = Mask(("secret", "and\nmore lines"))
    raw = b"......secret......"
    assert [mask.around(raw, cut) for cut in (5, 6, 7, 11, 12)] == [(5, 5), (6, 6), (6, 12), (6, 12), (12, 12)]
    assert mask.longest == len("more lines")
    assert Mask(()).around(raw, 7) == (7, 7)
