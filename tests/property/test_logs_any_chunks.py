import itertools
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace.logs import bounds, lines, reading
from headrace.logs.assembling import WHOLE, Assembler
from headrace.logs.masking import STARS, Mask
from headrace.logs.writing import AttemptLog

AT = datetime(2026, 3, 1, tzinfo=UTC)

piece = st.one_of(
    st.binary(max_size=30),
    st.text(max_size=20).map(str.encode),
    st.sampled_from([b"\n", b"\r", b"\r\n", b"\r\r", b"caf\xc3\xa9", b"\x1e", lines.frame("INFO", "l", "m\n", 1.0)]),
    st.builds(lambda byte, count: byte * count, st.sampled_from([b".", b"\x80", b"\n", b"\r"]), st.integers(0, 300)),
)
written = st.lists(piece, max_size=20).map(b"".join)
cuts = st.lists(st.integers(0, 10**6), max_size=12)


def chunks(whole: bytes, places: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return (whole[start:end] for start, end in itertools.pairwise(edges))


def assembled(pieces: Iterator[bytes], mask: Mask) -> list[lines.Line]:
    assembler = Assembler(mask.longest)
    raws = [raw for chunk in pieces for raw, _ in assembler.split(chunk)]
    raws += [raw] if (raw := assembler.last()) else []
    return [line for raw in raws for line in lines.understood(raw, "stdout", AT, mask)]


@settings(max_examples=60, deadline=None)
@given(written, cuts)
def test_a_text_split_in_any_chunks_is_the_text(whole: bytes, places: list[int]):
    assert assembled(chunks(whole, places), Mask(())) == assembled(iter([whole]), Mask(()))


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\r\n\x1e", exclude_categories=["Cs"]), max_size=40), cuts)
def test_a_text_of_one_line_is_kept_as_it_is(text: str, places: list[int]):
    assert [line.message for line in assembled(chunks(text.encode(), places), Mask(()))] == ([text] if text else [])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([b"x", b"secretly", b"\xe2\x82\xac", b"\r"]), st.integers(1, WHOLE)), max_size=3
    ),
    st.lists(st.integers(0, 10**6), max_size=8),
)
@example([(b"x", 5 * WHOLE), (b"\r", 1)], [3 * WHOLE])
@example([(b"x", 5 * WHOLE), (b"\r", 3 * WHOLE), (b"y", 1)], [3 * WHOLE])
def test_a_long_line_split_in_any_chunks_is_the_same_line(parts: list[tuple[bytes, int]], places: list[int]):
    whole = b"".join(byte * count for byte, count in parts)
    mask = Mask(("secretly",))
    small = (chunk[at : at + 2**16] for chunk in chunks(whole, places) for at in range(0, len(chunk), 2**16))
    found = assembled(small, mask)
    assert found == assembled(iter([whole]), mask)
    last = whole.rstrip(b"\r").rpartition(b"\r")[2]
    if len(last) > bounds.LONGEST:
        assert len(found[0].message.encode()) <= bounds.LONGEST + 8
        assert "secretly" not in found[0].message
    else:
        assert [line.message for line in found] == ([mask(last.decode())] if whole else [])


feeding = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), written), max_size=15)


@settings(deadline=None)
@given(feeding, st.integers(0, 3000), st.integers(0, 3000))
def test_a_log_is_bounded_and_its_counts_add_up(fed: list[tuple[str, bytes]], head: int, tail: int):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.log"
        log = AttemptLog(path, head, tail)
        for seconds, (stream, chunk) in enumerate(fed):
            log.feed(stream, chunk, AT + timedelta(seconds=seconds))
        count = log.close(AT)
        kept = list(reading.read(path))
        longest = max((len(lines.encode(line)) for line in kept), default=0)
        gaps = [line for line in kept if line.stream == "headrace"]
        block = [line for line in kept if line.stream != "headrace"]
        assert log.trouble is None and len(gaps) <= 1
        assert len(block) + sum(line.tags["lines_left_out"] for line in gaps) == count
        size = path.stat().st_size if path.exists() else 0
        assert size <= head + 2 * longest + tail + sum(len(lines.encode(line)) for line in gaps)
        everything = [line.message for stream in ("stdout", "stderr") for line in everything_of(stream, fed)]
        untouched = [line.message for line in block if "left out" not in line.message]
        assert not set(untouched) - set(everything)


def everything_of(stream: str, fed: list[tuple[str, bytes]]) -> list[lines.Line]:
    return assembled((chunk for name, chunk in fed if name == stream), Mask(()))


@settings(deadline=None)
@given(st.lists(st.text("ab\n€", max_size=60), max_size=12), st.integers(0, 2000), st.integers(0, 4000))
def test_every_line_and_every_byte_is_kept_or_counted(fed: list[str], head: int, tail: int):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.log"
        log = AttemptLog(path, head, tail)
        for chunk in fed:
            log.feed("stdout", chunk.encode(), AT)
        whole = "".join(fed)
        every = whole.removesuffix("\n").split("\n") if whole else []
        assert log.close(AT) == len(every)
        kept = list(reading.read(path))
        place = next((at for at, line in enumerate(kept) if line.stream == "headrace"), len(kept))
        before, after = kept[:place], kept[place + 1 :]
        for line, expected in zip(before, every, strict=False):
            assert line.message == expected or "left out" in line.message
        if place < len(kept):
            gone = every[len(before) : len(every) - len(after)]
            newlines = len(gone) - (not after and not whole.endswith("\n"))
            assert kept[place].tags == {
                "lines_left_out": len(gone),
                "bytes_left_out": sum(len(line.encode()) for line in gone) + newlines,
            }
        assert not after or after[-1].message == every[-1] or "left out" in after[-1].message


secret = st.one_of(st.text("αβγ*€", min_size=4, max_size=9), st.text("αβγ\n", min_size=4, max_size=20))


@settings(deadline=None)
@given(st.data(), st.lists(secret, min_size=1, max_size=3), st.integers(0, 1500), st.integers(0, 1500))
def test_nothing_masked_is_in_the_file(data: st.DataObject, secrets: list[str], head: int, tail: int):
    said = st.one_of(st.sampled_from(secrets), st.text("αβγ*€x\r\n", max_size=12), st.just("x" * 300))
    framed = st.builds(lambda text: lines.frame("INFO", text, text, 0.0, {text: [text]}), said)
    parts = data.draw(st.lists(st.one_of(said.map(str.encode), framed), max_size=15))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1.log"
        log = AttemptLog(path, head, tail, secrets)
        for chunk in chunks(b"".join(parts), data.draw(cuts)):
            log.feed(data.draw(st.sampled_from(["stdout", "stdout", "stderr"])), chunk, AT)
        log.close(AT)
        texts = [path.read_text()] if path.exists() else []
        texts += [part for line in reading.read(path) for part in (line.message, line.logger or "", *line.tags)]
    hidden = [part.strip() for value in secrets for part in (value, *value.splitlines())]
    for value in (part for part in hidden if len(part) >= 4 and part.strip("*")):
        assert not any(value in text for text in texts), (value, texts)


@settings(deadline=None)
@given(st.lists(secret, max_size=4), st.text("αβγ*€x\n", max_size=40))
def test_a_masked_text_holds_no_value(secrets: list[str], text: str):
    masked = Mask(secrets)(text)
    assert not any(value.strip() in masked for value in secrets if len(value.strip()) >= 4)
    assert STARS in masked or masked == text
