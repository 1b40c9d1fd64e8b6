"""Plain values and objects come back as they were; what a block returned becomes one output or several."""

import collections
import datetime as dt
import enum
import math
import os
import subprocess
import sys
import threading
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest

from headrace import errors, outputs


def trip(value: Any, home: Path) -> Any:
    return outputs.argument(*outputs.save(value, home / "attempt", home), home)


class Colour(enum.Enum):
    RED = 1


class Model:
    def __init__(self, weight: float) -> None:
        self.weight = weight


FRAME = pd.DataFrame({"a": [1]})


@pytest.mark.parametrize(
    ("returned", "given"),
    [
        (None, None),
        ([], []),
        ([42], [42]),
        (42, 42),
        ([1, 2, 3], [1, 2, 3]),
        ([[1, 2, 3]], [1, 2, 3]),
        ([[]], []),
        ([[1], [2]], [[1], [2]]),
        (list(range(12)), list(range(12))),
        ((1, 2), [1, 2]),
        ((1,), [1]),
        ((), []),
        ({}, {}),
        (0, 0),
        (False, False),
        ("", ""),
        ({7}, [7]),
        ([(1, 2)], [(1, 2)]),
        ([None], [None]),
    ],
)
def test_a_consumer_gets_what_the_format_promises(returned: Any, given: Any, tmp_path: Path) -> None:
    got = trip(returned, tmp_path)
    assert got == given
    assert type(got) is type(given)


def test_a_generator_is_the_list_of_what_it_yields(tmp_path: Path) -> None:
    assert trip((n for n in range(3)), tmp_path) == [0, 1, 2]
    assert [type(each) for each in trip((FRAME for _ in range(2)), tmp_path)] == [pd.DataFrame, pd.DataFrame]


@pytest.mark.parametrize(
    ("returned", "single", "names"),
    [
        (FRAME, True, ["output_0"]),
        ([FRAME], True, ["output_0"]),
        ((FRAME,), False, ["output_0"]),
        ([FRAME, FRAME["a"]], False, ["output_0", "output_1"]),
        ([1, np.arange(2), "x"], False, ["output_0", "output_1", "output_2"]),
        ([Model(1)], False, ["output_0"]),
        ([1, "x", {"a": [1]}, None], True, ["output_0"]),
        (None, True, []),
        ((), False, []),
    ],
)
def test_what_is_returned_is_one_output_or_several(returned: Any, single: bool, names: list[str]) -> None:
    found, named = outputs.split(returned)
    assert (found, [name for name, _ in named]) == (single, names)


VALUES: dict[str, Any] = {
    "text": "é\u2028\0",
    "surrogates": "\ud800\udc00",
    "ints": [0, -1, 2**63 - 1, 2**63, -(2**63), -(2**64), 10**5000],
    "floats": [0.1, -0.0, 1e308, 5e-324, float("inf"), -float("inf")],
    "bools are not ints": [1, True, 1.0, 0, False, 0.0],
    "keys": {1: "int", "1": "str", None: "none", (1, 2): "tuple", 1.5: "float", b"b": "bytes"},
    "a key of ours": {"$": "tuple", "of": [1]},
    "groups": {"t": (1, (2,)), "s": {(1, "a")}, "f": frozenset({1}), "l": [()], "r": range(1, 9, 2)},
    "bytes": [b"\0\xff", bytearray(b"x")],
    "times": [
        dt.date(2020, 2, 29),
        dt.time(1, 2, 3, 4),
        dt.time(1, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, fold=1),
        dt.datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1),
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, seconds=7))),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "named")),
        dt.timedelta(days=-1, microseconds=1),
    ],
    "numbers": [Decimal("1.50"), Decimal("-0"), Decimal("sNaN"), 1 + 2j, complex(-0.0, math.inf)],
    "uuid": uuid.UUID(int=5),
    "numpy": [
        np.float32(1.1),
        np.int8(-1),
        np.bool_(True),
        np.float64("inf"),
        np.uint64(2**64 - 1),
        np.longdouble(1) / 3,
    ],
    "pandas": [
        pd.Timestamp("2020-01-01 00:00:00.000000001", tz="Europe/Paris"),
        pd.Timestamp("2020").as_unit("s"),
        pd.Timedelta(5),
        pd.NaT,
        pd.NA,
    ],
    "subclasses": {"o": collections.OrderedDict(a=1), "c": collections.Counter("ab"), "e": Colour.RED},
}


@pytest.mark.parametrize("name", VALUES)
def test_a_plain_value_comes_back_with_its_types(name: str, tmp_path: Path) -> None:
    sys.set_int_max_str_digits(0)
    value = [VALUES[name], "so that a list stays a list"]
    back = trip(value, tmp_path)
    assert repr(back) == repr(value)
    assert _types(back) == _types(value)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return [type(value), [(_types(key), _types(each)) for key, each in value.items()]]
    return [type(value), [_types(each) for each in value]] if isinstance(value, list | tuple) else type(value)


def test_nan_is_nan(tmp_path: Path) -> None:
    assert math.isnan(trip(float("nan"), tmp_path))
    assert math.isnan(trip({"x": [np.float32("nan")]}, tmp_path)["x"][0])


def test_frames_inside_plain_values_survive_in_files_of_their_own(tmp_path: Path) -> None:
    value = {"frame": FRAME, "again": FRAME, "list": [pl.DataFrame({"a": [1]}), np.arange(3)], ("k",): (FRAME["a"],)}
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    back = outputs.load(output, tmp_path)
    pd.testing.assert_frame_equal(back["frame"], FRAME)
    assert back["again"] is back["frame"]
    assert back["list"][0].equals(value["list"][0])
    assert back["list"][1].tolist() == [0, 1, 2]
    pd.testing.assert_series_equal(back[("k",)][0], FRAME["a"])
    files = list((tmp_path / "attempt").iterdir())
    assert len(files) == 4
    assert output.bytes == sum(file.stat().st_size for file in files) + len(output.extra["document"])


@pytest.mark.parametrize("value", [0, "", [1, 2.5, None], {"rows": 10, "when": dt.datetime(2026, 1, 1)}, "x" * 8000])
def test_small_plain_values_need_no_file(value: Any, tmp_path: Path) -> None:
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    assert outputs.load(output, tmp_path) == value
    assert outputs.there(output, tmp_path)
    assert not (tmp_path / "attempt").exists()
    assert outputs.profile(output, tmp_path, 1).hash


@pytest.mark.parametrize("value", ["x" * 9000, "\ud800"])
def test_large_or_odd_plain_values_have_a_file(value: str, tmp_path: Path) -> None:
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    assert outputs.load(output, tmp_path) == value
    assert outputs.there(output, tmp_path)
    (tmp_path / output.path).unlink()
    assert not outputs.there(output, tmp_path)


def test_a_value_that_holds_itself_comes_back_so(tmp_path: Path) -> None:
    value: dict[str, Any] = {"n": 1}
    value["self"] = value
    back = trip(value, tmp_path)
    assert back["self"] is back


def test_a_large_object_in_a_document_lies_beside_it(tmp_path: Path) -> None:
    back = trip({"model": Model(0.5), "large": Model([0.25] * 50_000)}, tmp_path)  # type: ignore[arg-type]
    assert (back["model"].weight, len(back["large"].weight)) == (0.5, 50_000)
    assert len(list((tmp_path / "attempt").glob("*.pickle"))) == 1


BLOCK = """
class Scaler:
    def __init__(self, by):
        self.by = by
    def __call__(self, x):
        return scaled(x, self.by)

class range:
    pass

def scaled(x, by):
    return x * by

result = {"scaler": Scaler(3), "function": lambda x: x + offset, "shadow": range()}
offset = 4
"""


def test_classes_and_functions_of_a_block_go_by_value_to_another_process(tmp_path: Path) -> None:
    scope: dict[str, Any] = {"__name__": "builtins"}
    exec(BLOCK, scope)
    single, (output,) = outputs.save(scope["result"], tmp_path / "attempt", tmp_path)
    assert single
    code = (
        "import sys; from pathlib import Path; from headrace import outputs; from headrace.model.output import Output\n"
        f"home = Path({str(tmp_path)!r})\n"
        f"value = outputs.load(Output('output_0', 'dict', 'json', {output.path!r}, {output.bytes}, extra={output.extra!r}), home)\n"
        "print(value['scaler'](5), value['function'](1), type(value['shadow']).__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "15 5 range\n"


class Unreadable(Exception):
    """Pickled without complaint, and not to be read back: its constructor needs what the pickle lacks."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one)
        self.two = two


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (threading.Lock(), "cannot pickle '_thread.lock'"),
        ({"deep": [threading.Lock()]}, "cannot pickle '_thread.lock'"),
        ({"a": (n for n in ())}, "cannot pickle 'generator'"),
        (Unreadable(1, 2), "missing 1 required positional argument"),
        ({"a": Unreadable(1, 2)}, "missing 1 required positional argument"),
        ([1, Unreadable(1, 2)], "missing 1 required positional argument"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(value: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(errors.CannotKeep, match=r"output_[01]") as caught:
        outputs.save(value, tmp_path / "attempt", tmp_path)
    assert why in str(caught.value)


def test_an_open_file_is_not_kept_as_its_text(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as file, pytest.raises(errors.CannotKeep, match="open file"):
        outputs.save(file, tmp_path / "attempt", tmp_path)


def test_too_deep_is_said(tmp_path: Path) -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value, 1]
    with pytest.raises(errors.CannotKeep, match="recursion"):
        outputs.save(value, tmp_path / "attempt", tmp_path)


def test_deep_comes_back(tmp_path: Path) -> None:
    value: list[Any] = []
    for _ in range(150):
        value = [value, 1]
    assert trip(value, tmp_path) == value


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.CannotKeep, match="Not a directory"):
        outputs.save("x" * 9000, tmp_path / "file" / "attempt", tmp_path)


@pytest.mark.parametrize("value", [{"a": [1] * 9000}, Model(1.0)])
@pytest.mark.parametrize("content", [None, b"", b"{", b"\x80\x05garbage"])
def test_a_spoiled_file_is_said_to_be_so(value: Any, content: bytes | None, tmp_path: Path) -> None:
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    path = tmp_path / output.path
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(errors.CannotRead, match=path.name):
        outputs.load(output, tmp_path)


def test_a_file_left_there_is_replaced_and_who_has_it_mapped_keeps_it(tmp_path: Path) -> None:
    before = trip(np.arange(1000), tmp_path)
    after = trip(np.zeros(10), tmp_path)
    assert (before.sum(), after.sum()) == (499_500, 0)


def test_importing_the_room_imports_no_library() -> None:
    code = (
        "import sys, headrace.outputs; "
        "print([m for m in ('pandas','numpy','pyarrow','polars','duckdb','cloudpickle') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_head_of_a_document_shows_and_never_unpickles(tmp_path: Path) -> None:
    value = {"n": 1, "when": dt.date(2020, 1, 1), "t": (1, 2), "m": Model(1.0), "f": FRAME, "nan": math.nan, 7: b"x"}
    _, (output,) = outputs.save(value, tmp_path / "attempt", tmp_path)
    assert "pickle" in output.extra["document"]
    shown = dict(outputs.head(output, tmp_path, 10).rows)  # type: ignore[arg-type]
    assert shown["when"] == "2020-01-01"
    assert shown["t"] == [1, 2]
    assert shown["m"].endswith("Model>")
    assert shown["f"] == "<pandas.DataFrame, 1 rows>"
    assert (shown["nan"], shown["7"]) == ("nan", "eA==")
    _, (output,) = outputs.save(Model(1.0), tmp_path / "attempt", tmp_path)
    (tmp_path / output.path).write_bytes(b"not a pickle")
    assert outputs.head(output, tmp_path, 10).rows == [[output.kind]]


def test_files_and_folders_are_on_the_disk_before_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[Path] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        settled.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    home = tmp_path.resolve()
    _, kept = outputs.save((FRAME, "x" * 9000, {"f": FRAME}, Model(1.0), np.arange(3)), home / "runs" / "attempt", home)
    files = set((home / "runs" / "attempt").iterdir())
    assert len(kept) == 5
    assert len(files) == 5
    assert settled[:2] == [home / "runs", home]
    assert set(settled[2:-1]) == files
    assert settled[-1] == home / "runs" / "attempt"
