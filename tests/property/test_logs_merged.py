"""Logs that grow in any chunks while pages of any size are read: nothing is lost, doubled or out of order."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.logs import cuts, lines, merging
from headrace.logs.choice import ALL, Choice
from headrace.logs.cuts import BEGIN, Cut
from headrace.logs.lines import Line
from headrace.logs.merging import Merged, Source

AT = datetime(2026, 3, 1, tzinfo=UTC)
Placed = tuple[int, Line]

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["rain", "RAIN ahead", "\u212aelvin ſnow", 'a "quoted" \\ back', "Straße", "x" * 20_000]),
)
levels = st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR"])
streams = st.sampled_from(["stdout", "stderr", "log", "headrace"])


@dataclass
class Run:
    """Logs as they come to be: time goes on with each deed, in steps of no or some seconds."""

    folder: Path
    now: datetime = AT
    sources: list[Source] = field(default_factory=list[Source])
    pending: dict[int, bytes] = field(default_factory=dict[int, bytes])  # what is not yet on the disk of each log
    written: dict[int, list[Line]] = field(default_factory=dict[int, list[Line]])

    def begin(self) -> None:
        number = 2 * len(self.sources) + 5
        self.sources.append(Source(number, self.folder / f"{number}.jsonl", self.now, None))
        self.pending[number], self.written[number] = b"", []

    def print(self, which: int, level: str, stream: str, text: str) -> None:
        if going := [source for source in self.sources if source.ended is None]:
            number = going[which % len(going)].number
            line = Line(self.now, level, stream, text)
            self.written[number].append(line)
            self.pending[number] += lines.encode(line)

    def flush(self, which: int, size: int) -> None:
        """Some bytes of what is pending get to the disk, wherever that cuts a line."""
        if self.sources:
            source = self.sources[which % len(self.sources)]
            taken, self.pending[source.number] = self.pending[source.number][:size], self.pending[source.number][size:]
            if taken:
                with source.path.open("ab") as file:
                    file.write(taken)

    def end(self, which: int) -> None:
        if self.sources:
            place = which % len(self.sources)
            self.flush(place, 2**30)
            self.sources[place] = replace(self.sources[place], ended=self.sources[place].ended or self.now)

    def whole(self) -> list[Placed]:
        """Every line, by time; those of a moment by the number of their log."""
        every = [(number, line) for number, written in self.written.items() for line in written]
        return sorted(every, key=lambda placed: (placed[1].at, placed[0]))

    def do(self, deed: tuple[str, tuple[object, ...]]) -> None:
        getattr(self, deed[0])(*deed[1])

    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)


which = st.integers(0, 5)
deeds = st.one_of(
    st.tuples(st.just("begin"), st.tuples()),
    st.tuples(st.just("print"), st.tuples(which, levels, streams, texts)),
    st.tuples(st.just("print"), st.tuples(which, levels, streams, texts)),
    st.tuples(st.just("flush"), st.tuples(which, st.integers(1, 300))),
    st.tuples(st.just("flush"), st.tuples(which, st.just(2**30))),
    st.tuples(st.just("end"), st.tuples(which)),
    st.tuples(st.just("wait"), st.tuples(st.integers(0, 5))),
)
lives = st.lists(deeds, max_size=60)
limits = st.integers(1, 7)
moments = st.one_of(st.none(), st.integers(0, 60).map(lambda seconds: AT + timedelta(seconds=seconds)))
choices = st.one_of(
    st.just(ALL),
    st.builds(
        Choice,
        levels=st.none() | st.frozensets(levels, max_size=2),
        streams=st.none() | st.frozensets(streams, max_size=2),
        text=st.none() | st.sampled_from(["rain", "k", "S", "SS", "ß", '"', "\\", "xx", "\u00e9", "nothing of it"]),
        since=moments,
        until=moments,
    ),
)


def pages(read: Callable[[Cut], Merged], cut: Cut, onward: Callable[[Merged], Cut]) -> Iterator[Merged]:
    while True:
        page = read(cut)
        yield page
        if not page.more:
            return
        cut = onward(page)


def forward(sources: Sequence[Source], limit: int, choice: Choice, size: int, cut: Cut = BEGIN) -> list[Merged]:
    return list(pages(lambda at: merging.after(sources, at, limit, choice, size), cut, lambda page: page.behind))


def backward(sources: Sequence[Source], limit: int, choice: Choice, size: int, cut: Cut) -> list[Merged]:
    found = pages(lambda at: merging.before(sources, at, limit, choice, size), cut, lambda page: page.before)
    return list(reversed(list(found)))


def joined(found: Sequence[Merged]) -> list[Placed]:
    return [placed for page in found for placed in page.lines]


def lived(life: list[tuple[str, tuple[object, ...]]], folder: str) -> Run:
    run = Run(Path(folder))
    run.begin()
    run.begin()
    for deed in life:
        run.do(deed)
    for place in range(len(run.sources)):
        run.flush(place, 2**30)
    return run


@settings(max_examples=100)
@given(lives, limits, limits, choices, st.sampled_from([1, 40_000, merging.READ]))
def test_pages_of_any_size_are_the_whole_in_its_order(
    life: list[tuple[str, tuple[object, ...]]], ahead: int, back: int, choice: Choice, size: int
):
    with tempfile.TemporaryDirectory() as folder:
        run = lived(life, folder)
        wanted = [placed for placed in run.whole() if choice.takes(placed[1])]
        onward = forward(run.sources, ahead, choice, size)
        assert joined(onward) == wanted
        end = merging.end(run.sources)
        assert joined(backward(run.sources, back, choice, size, end)) == wanted
        for page in onward:  # a cut parts what is before it from what is behind it, whatever direction it came from
            cut = cuts.read(cuts.written(page.behind, 3), 3)
            parts = backward(run.sources, back, choice, size, cut) + forward(run.sources, back, choice, size, cut)
            assert joined(parts) == wanted
        for page in backward(run.sources, ahead, choice, size, end):
            parts = backward(run.sources, back, choice, size, page.before)
            assert joined(parts + forward(run.sources, back, choice, size, page.before)) == wanted


@settings(max_examples=100)
@given(lives, st.lists(st.tuples(st.integers(1, 60), limits), max_size=15), st.sampled_from([1, merging.READ]))
def test_whoever_reads_while_logs_grow_has_every_line_once(
    life: list[tuple[str, tuple[object, ...]]], looks: list[tuple[int, int]], size: int
):
    with tempfile.TemporaryDirectory() as folder:
        run, cut, seen = Run(Path(folder)), BEGIN, list[Placed]()
        due = dict(looks)
        for count, deed in enumerate(life):
            run.do(deed)
            if count in due:
                page = merging.after(run.sources, cut, due[count], ALL, size)
                cut, seen = cuts.read(cuts.written(page.behind, 3), 3), [*seen, *page.lines]
        for place in range(len(run.sources)):
            run.flush(place, 2**30)
        for page in forward(run.sources, 100, ALL, size, cut):
            seen += page.lines
        for number, written in run.written.items():
            assert [line for of, line in seen if of == number] == written
        assert len(seen) == sum(map(len, run.written.values()))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-30, 30)), max_size=40), limits, limits)
def test_lines_that_come_late_are_there_once_in_the_order_of_their_log(
    printed: list[tuple[int, int]], ahead: int, back: int
):
    """Times that go back within a log change where lines stand among those of other logs, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        for _ in range(3):
            run.begin()
        for count, (which, seconds) in enumerate(printed):
            run.now = AT + timedelta(seconds=seconds)
            run.print(which, "INFO", "stdout", str(count))
        for place in range(3):
            run.flush(place, 2**30)
        for found in (
            forward(run.sources, ahead, ALL, 1),
            backward(run.sources, back, ALL, 1, merging.end(run.sources)),
        ):
            for number, written in run.written.items():
                assert [line for of, line in joined(found) if of == number] == written


def test_logs_of_many_blocks_with_lines_longer_than_some(tmp_path: Path):
    """Two logs, a line of each at every moment, of all lengths; now and then one comes with an earlier time."""
    run = Run(tmp_path)
    run.begin()
    run.begin()
    for count in range(150):
        run.wait(1)
        run.print(0, "INFO", "stdout", f"{count}" + "x" * (40_000 if count % 7 == 3 else count))
        run.print(1, "INFO", "stdout", f"{count}" + "y" * (count * 20))
    for place in range(2):
        run.flush(place, 2**30)
    whole = run.whole()
    end = merging.end(run.sources)
    since, until = AT + timedelta(seconds=40), AT + timedelta(seconds=90)
    for choice in (ALL, Choice(since=since), Choice(until=until), Choice(since=since, until=until)):
        wanted = [placed for placed in whole if choice.takes(placed[1])]
        for size in (1, merging.READ):
            assert joined(forward(run.sources, 50, choice, size)) == wanted
            assert joined(backward(run.sources, 50, choice, size, end)) == wanted


def test_a_moment_is_found_though_lines_around_it_come_late(tmp_path: Path):
    run = Run(tmp_path)
    run.begin()
    for count in range(2000):
        run.now = AT + timedelta(seconds=count - 30 * (count % 5 == 2))
        run.print(0, "INFO", "stdout", "x" * 50)
    run.flush(0, 2**30)
    for since in range(0, 2000, 37):
        choice = Choice(since=AT + timedelta(seconds=since), until=AT + timedelta(seconds=since + 100))
        wanted = [line for line in run.written[5] if choice.takes(line)]
        assert [line for _, line in joined(forward(run.sources, 1000, choice, merging.READ))] == wanted


def test_an_attempt_that_began_in_between_has_its_lines_in_their_time(tmp_path: Path):
    run = Run(tmp_path)
    for which in range(3):
        run.begin()
        for _ in range(4):
            run.wait(10)
            for each in range(which + 1):
                run.print(each, "INFO", "stdout", "x")
    for place in range(3):
        run.flush(place, 2**30)
    assert joined(forward(run.sources, 2, ALL, merging.READ)) == run.whole()


@given(st.integers(0, 2**40), st.dictionaries(st.integers(0, 2**40), st.integers(0, 2**60)), st.integers(1, 2**40))
def test_a_cursor_is_the_cut_that_it_was_made_of(upto: int, places: dict[int, int], run: int):
    cursor = cuts.written(Cut(upto, places), run)
    assert cuts.read(cursor, run) == Cut(upto, places)
    assert cursor.replace("-", "").replace("_", "").isalnum() and cursor.isascii()


def test_each_letter_outside_ascii_that_folds_into_it_is_found(tmp_path: Path):
    path = tmp_path / "1.jsonl"
    letters = [chr(code) for code in range(128, 0x30000) if not 0xD800 <= code < 0xE000]
    folding = [letter for letter in letters if any(each.isascii() for each in letter.casefold())]
    assert len(folding) > 10
    path.write_bytes(b"".join(lines.encode(Line(AT, "INFO", "stdout", letter)) for letter in folding))
    source = Source(1, path, AT, AT)
    for letter, sought in itertools.product(folding, [str.casefold, str.upper]):
        found = merging.after([source], BEGIN, 1000, Choice(text=sought(letter)))
        assert letter in [line.message for _, line in found.lines]
