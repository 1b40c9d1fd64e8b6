from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from headrace.logs import assembling, bounds, reading
from headrace.logs.lines import Line, frame
from headrace.logs.writing import AttemptLog

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LATER = AT + timedelta(seconds=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "block" / "1.log"


def shown(path: Path) -> list[tuple[str, str]]:
    return [(line.stream, line.message) for line in reading.read(path)]


def test_lines_of_both_streams_are_kept_as_they_come(path: Path):
    log = AttemptLog(path, 10_000, 10_000)
    log.feed("stdout", b"out\npart", AT)
    log.feed("stderr", b"err\n", AT)
    assert shown(path) == [("stdout", "out"), ("stderr", "err")]  # whole lines can be read while it is being written
    log.feed("stdout", b"ial\n" + frame("INFO", "l", "said", 0.0), AT)
    log.say("killed after 10 s", LATER, level="ERROR")
    log.feed("stderr", b"unended", AT)
    assert log.close(LATER) == 5
    assert shown(path)[2:] == [
        ("stdout", "partial"),
        ("log", "said"),
        ("headrace", "killed after 10 s"),
        ("stderr", "unended"),
    ]
    assert list(reading.read(path))[4] == Line(LATER, "ERROR", "headrace", "killed after 10 s")


def test_no_file_is_made_without_a_line(path: Path):
    log = AttemptLog(path, 100, 100)
    log.feed("stdout", b"", AT)
    assert log.close(AT) == 0
    assert not path.parent.exists()


def test_times_are_kept_in_utc(path: Path):
    log = AttemptLog(path, 1000, 100)
    log.feed("stdout", b"x\n", AT.astimezone(timezone(timedelta(hours=5))))
    log.say("y", AT.astimezone(timezone(timedelta(hours=-5))))
    assert [line.at for line in reading.read(path)] == [AT, AT]
    assert b"12:30:00Z" in path.read_bytes()
    log.close(AT)


def test_beyond_the_head_the_last_lines_are_kept_and_the_others_counted(path: Path):
    log = AttemptLog(path, 1000, 2000, ("number 7 is secret",))
    written = [f"line {number} is shown" for number in range(5000)]
    for line in written:
        log.feed("stdout", line.encode() + b"\n", AT)
    live = path.stat().st_size
    log.say("the block timed out", AT)
    assert path.stat().st_size == live
    assert log.close(LATER) == 5000
    messages = [message for _, message in shown(path)]
    gap = next(line for line in reading.read(path) if line.stream == "headrace")
    place = messages.index(gap.message)
    assert gap.at == AT
    assert 5 < place < 20 and messages[:place] == written[:place]
    kept = messages[place + 1 : -1]
    assert len(kept) > 10 and kept == written[-len(kept) :]
    assert messages[-1] == "the block timed out"
    left_out = written[place : -len(kept)]
    assert gap.tags == {"lines_left_out": len(left_out), "bytes_left_out": sum(len(line) + 1 for line in left_out)}
    assert gap.message == f"… {len(left_out)} lines ({gap.tags['bytes_left_out']} bytes) left out …"


def test_nothing_is_said_to_be_left_out_when_nothing_is(path: Path):
    log = AttemptLog(path, 100, 10_000)
    log.feed("stdout", b"a\n" * 50, AT)
    assert log.close(AT) == 50
    assert shown(path) == [("stdout", "a")] * 50


def test_the_last_lines_keep_the_time_they_came_at(path: Path):
    log = AttemptLog(path, 1, 10_000)
    log.feed("stdout", b"a\nb\nc", AT)
    log.feed("stdout", b"d\n", LATER)
    log.close(LATER)
    assert [(line.message, line.at) for line in reading.read(path)] == [("a", AT), ("b", AT), ("cd", LATER)]


def test_a_line_without_end_behind_the_head_keeps_its_end(path: Path):
    log = AttemptLog(path, 100, 5000)
    log.feed("stdout", b"<start", AT)
    log.feed("stderr", b"a line that takes all there is of the head\n", AT)
    for _ in range(1000):
        log.feed("stdout", b"x" * 1000, AT)
    log.feed("stdout", b"end>", AT)
    assert log.close(AT) == 2
    _, (_, message) = shown(path)
    count = int(message.split("…")[1].split()[0])
    assert message.startswith("<start") and message.endswith("end>")
    assert len(message.replace(f"… {count} bytes left out …", "")) + count == len("<start") + 1_000_000 + len("end>")


def test_a_line_whose_start_went_shows_its_end(path: Path):
    log = AttemptLog(path, 1, 3000, ("0123456789",))
    log.feed("stdout", b"head\n" + b"gone\n" * 2000 + b"0123456789" * 500 + b"end", AT)
    log.close(AT)
    messages = [message for _, message in shown(path)]
    assert messages[0] == "head" and len(messages) == 3
    assert messages[2].startswith("… ") and messages[2].endswith("***end")
    assert "left out …***" in messages[2] or not set(messages[2].split("…")[2]) & set("123456789")


def test_a_gigabyte_is_held_in_little_space(path: Path):
    log = AttemptLog(path, 1000, 100_000)
    chunk = (b"x" * 63 + b"\n") * 1024
    for _ in range(1024):
        log.feed("stdout", chunk, AT)
        assert sum(len(segment.chunk) for segment in log._ring) < 200_000
    assert log.close(AT) == 1024 * 1024
    assert path.stat().st_size < 1000 + 100_000 + 500


def test_a_mask_is_told_to_others(path: Path):
    assert AttemptLog(path, 1, 1, ("hunter22",)).mask("is hunter22") == "is ***"


def test_remarks_are_masked_and_any_text(path: Path):
    log = AttemptLog(path, 1000, 1000, ("hunter22",))
    log.say("hunter22 \ud800", AT)
    log.close(AT)
    assert shown(path) == [("headrace", "*** ?")]


def test_closing_again_changes_nothing(path: Path):
    log = AttemptLog(path, 1000, 1000)
    log.feed("stdout", b"a\nb", AT)
    assert log.close(AT) == 2
    before = path.read_bytes()
    log.feed("stdout", b"late\n", AT)
    log.say("late", AT)
    assert log.close(AT) == 2
    assert path.read_bytes() == before


def test_an_existing_file_is_appended_to(path: Path):
    for text in (b"a\n", b"b\n"):
        log = AttemptLog(path, 1000, 1000)
        log.feed("stdout", text, AT)
        log.close(AT)
    assert shown(path) == [("stdout", "a"), ("stdout", "b")]


def test_half_a_line_of_a_killed_writer_does_not_take_the_next_with_it(path: Path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"at": "2026-03')
    log = AttemptLog(path, 1000, 1000)
    log.feed("stdout", b"a\n", AT)
    log.close(AT)
    assert shown(path) == [("stdout", "a")]


def test_a_full_disk_ends_the_log_and_raises_nothing():
    log = AttemptLog(Path("/dev/full"), 1000, 1000)
    assert log.trouble is None
    log.feed("stdout", b"a\n", AT)
    assert log.trouble == "the log /dev/full cannot be written: No space left on device"
    log.feed("stdout", b"b\n" * 1000, AT)
    log.say("and on", AT)
    assert log.close(AT) == 1001


def test_a_place_that_is_no_folder_is_trouble_too(tmp_path: Path):
    (tmp_path / "file").write_text("")
    log = AttemptLog(tmp_path / "file" / "1.log", 1000, 1000)
    log.feed("stdout", b"a\n", AT)
    assert log.trouble and str(tmp_path) in log.trouble
    assert log.close(AT) == 1


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_closed_log_holds_no_descriptor(path: Path):
    before = descriptors()
    log = AttemptLog(path, 1000, 1000)
    log.feed("stdout", b"a\n", AT)
    assert descriptors() == before + 1
    log.close(AT)
    assert descriptors() == before


def test_what_is_to_be_masked_may_become_more(path: Path):
    log = AttemptLog(path, 1000, 1000, ("first",))
    log.feed("stdout", b"first second\nof sec", AT)
    log.mask_with(("first", "second", "third" * 1000))
    log.feed("stdout", b"ond first\n", AT)
    log.say("said second", AT)
    log.close(AT)
    assert [message for _, message in shown(path)] == ["*** second", "of *** ***", "said ***"]


def test_a_line_too_long_to_be_held_has_no_part_of_what_is_masked_since_it_began(path: Path):
    secret = "third" * 1000
    log = AttemptLog(path, 10**6, 1000)
    log.feed("stdout", b"x" * (bounds.HALF - 100), AT)
    log.mask_with((secret,))
    log.feed("stdout", secret.encode() + b"y" * (2 * assembling.WHOLE) + secret.encode() + b"z" * 100 + b"\n", AT)
    log.close(AT)
    ((_, message),) = shown(path)
    assert "third" not in message
    assert message.endswith("z")
