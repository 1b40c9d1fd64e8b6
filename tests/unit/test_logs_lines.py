import json
from datetime import UTC, datetime

import pytest

from headrace.logs import bounds, lines
from headrace.logs.assembling import Assembler
from headrace.logs.lines import Line
from headrace.logs.masking import Mask

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def understood(*chunks: bytes, masks: tuple[str, ...] = ()) -> list[Line]:
    mask = Mask(masks)
    assembler = Assembler(mask.longest)
    raws = [raw for chunk in chunks for raw, _ in assembler.split(chunk)]
    raws += [raw] if (raw := assembler.last()) else []
    return [line for raw in raws for line in lines.understood(raw, "stderr", AT, mask)]


def messages(*chunks: bytes, masks: tuple[str, ...] = ()) -> list[str]:
    return [line.message for line in understood(*chunks, masks=masks)]


def test_a_line_lies_in_the_file_as_one_json_object_without_what_is_empty():
    assert json.loads(lines.encode(Line(AT, "INFO", "stdout", "a\x00b\nc"))) == {
        "at": "2026-03-01T12:30:00Z",
        "level": "INFO",
        "stream": "stdout",
        "message": "a\x00b\nc",
    }
    assert lines.encode(Line(AT, "INFO", "stdout", "a\nb\x1b[0m")).count(b"\n") == 1


def test_a_line_read_back_is_the_line_that_was_written():
    line = Line(AT, "DEBUG", "log", "x", "my.logger", {"rows": 3, "of": ["a", None]})
    assert lines.decode(lines.encode(line)) == line


@pytest.mark.parametrize("raw", [b"", b"\n", b'{"at": "2026', b"[]\n", b'{"at": 1}\n', b"\xff\n", b"[" * 100_000])
def test_what_is_no_line_is_none(raw: bytes):
    assert lines.decode(raw) is None


def test_a_character_cut_between_chunks_is_whole():
    assert messages(b"caf\xc3", b"\xa9\n") == ["café"]


def test_what_is_not_utf8_is_replaced():
    assert messages(b"a\xffb\n") == ["a\ufffdb"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"10%\r50%\r100%\n", ["100%"]),
        (b"10%\r50%\r", ["50%"]),
        (b"\r\r\n", [""]),
        (b"a\n\nb", ["a", "", "b"]),
    ],
)
def test_a_carriage_return_starts_the_line_anew(written: bytes, shown: list[str]):
    assert messages(written) == shown
    assert messages(*(bytes([byte]) for byte in written)) == shown


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("hello", "INFO"),
        ("WARNING: no such secret", "WARNING"),
        ("ERROR:root:broken", "ERROR"),
        ("[DEBUG] looking", "DEBUG"),
        ("ERRORS: 0", "INFO"),
        ("[ERROR: x", "INFO"),
        ("no WARNING: here", "INFO"),
    ],
)
def test_a_printed_line_is_info_unless_it_says_otherwise(message: str, level: str):
    assert [line.level for line in understood(message.encode() + b"\n")] == [level]


def test_a_long_line_keeps_its_ends_and_says_how_much_is_missing():
    raw = b"<" + b"." * bounds.LONGEST + b">"
    (message,) = messages(raw + b"\n")
    head, count, tail = message.replace(" bytes left out ", "").split("…")
    assert (head[0], tail[-1]) == ("<", ">")
    assert len(head) + int(count) + len(tail) == len(raw)
    assert len(message.encode()) <= bounds.LONGEST


def test_a_line_of_the_longest_length_is_whole():
    assert messages(b"x" * bounds.LONGEST + b"\n") == ["x" * bounds.LONGEST]


def test_a_long_line_is_not_cut_within_a_character():
    for shift in range(3):
        (message,) = messages(b"." * shift + "€".encode() * bounds.LONGEST)
        assert "\ufffd" not in message


@pytest.mark.parametrize("size", [bounds.LONGEST + 100, 60 * bounds.LONGEST])
def test_no_part_of_a_secret_stands_beside_what_was_left_out(size: int):
    secret = "0123456789abcdefghij"
    for shift in range(0, len(secret), 3):
        raw = b"." * shift + secret.encode() * (size // len(secret))
        (message,) = messages(*(raw[start : start + 7001] for start in range(0, len(raw), 7001)), masks=(secret,))
        assert set(message) <= set(".*… bytes left out 0123456789")
        before, _, after = message.split("…")
        assert set(before + after) <= set(".*")


def test_a_line_without_end_takes_little_space():
    assembler = Assembler(0)
    for _ in range(2000):
        assert list(assembler.split(b"x" * 65536)) == []
        assert len(assembler._front) + len(assembler._back or b"") < 20 * bounds.LONGEST
    raw = assembler.last()
    assert raw and raw.size == 2000 * 65536 == len(raw.front) + raw.left_out + len(raw.back or b"")


def test_a_progress_bar_without_end_takes_little_space():
    assembler = Assembler(0)
    for _ in range(200):
        assert list(assembler.split(b"50% |####    |\r" * 4000)) == []
        assert len(assembler._front) < 20 * bounds.LONGEST
    raw = assembler.last()
    assert raw and (raw.front, raw.back) == (b"50% |####    |", None)


def test_a_framed_record_keeps_its_level_logger_time_and_tags():
    framed = lines.frame("WARNING", "my.logger", "two\nlines", 1772368200.5, {"rows": 3})
    assert framed.startswith(b"\x1e") and framed.count(b"\n") == 1
    at = datetime.fromtimestamp(1772368200.5, UTC)
    assert understood(framed) == [Line(at, "WARNING", "log", "two\nlines", "my.logger", {"rows": 3})]


def test_a_record_behind_something_printed_without_newline_is_a_line_of_its_own():
    framed = lines.frame("INFO", "l", "said", 0.0)
    assert [(line.stream, line.message) for line in understood(b"10%\r50%" + framed)] == [
        ("stderr", "50%"),
        ("log", "said"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"not json",
        b'{"level":"INFO","logger":"l","message":"m","at":1e300}',
        b'{"level":"INFO","logger":"l","message":"m","at":0,"tags":[]}',
        b'{"level":"INFO","logger":"l","message":"\xff","at":0}',
        b'{"level":"INFO","logger":"l","message":"m","at":0,"tags":{"a":' + b"[" * 2000 + b"]" * 2000 + b"}}",
    ],
)
def test_a_record_that_does_not_parse_is_an_ordinary_line(body: bytes):
    (line,) = understood(b"\x1e" + body + b"\n")
    assert line.stream == "stderr"
    assert line.message == "\x1e" + body.decode("utf-8", "replace")


def test_a_record_of_any_objects_can_be_framed():
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    tags = {"object": Mute(), "half": "\ud800", "big": 10**30, "nested": {(1, 2): 3}}
    (line,) = understood(lines.frame("INFO", "l", "\ud800", 0.0, tags))
    assert (line.message, line.tags["object"], line.tags["big"]) == ("?", "<Mute>", str(10**30))


def test_a_record_as_long_as_it_may_be_is_still_a_record():
    framed = lines.frame("INFO", "l", "\x01" * 10**6, 0.0, {"frame": "\x01" * 10**6})
    (line,) = understood(framed)
    assert line.stream == "log"
    assert len(line.message) <= bounds.LONGEST
    assert line.message.count("left out") == 1
    assert "left out" in line.tags["tags"]


def test_a_forged_record_is_bounded_too():
    deep = b'{"a":' * 50 + b"1" + b"}" * 50
    body = b'{"level":"INFO","logger":"l","message":"' + b"x" * 50_000 + b'","at":0,"tags":' + deep + b"}"
    (line,) = understood(b"\x1e" + body + b"\n")
    assert line.stream == "log" and len(line.message) <= bounds.LONGEST
    assert str(line.tags).count("{") == lines.DEEPEST


def test_secrets_are_masked_in_every_part_of_a_record():
    framed = lines.frame("INFO", "of hunter22", "is hunter22", 0.0, {"hunter22": ["hunter22", {"x": "hunter22"}]})
    (line,) = understood(framed, masks=("hunter22",))
    assert line == Line(
        datetime.fromtimestamp(0, UTC), "INFO", "log", "is ***", "of ***", {"***": ["***", {"x": "***"}]}
    )
