"""Outputs: pages of their rows as JSON, and all of them as they are kept, as Arrow."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import SINGLE, Caller, Served, refused

from headrace import outputs
from headrace.operations import values
from headrace.outputs import crossing

pa: Any = import_module("pyarrow")
ARROW = {"Accept": crossing.MEDIA}
CODE = """
from mage_ai.data_preparation.decorators import custom

@custom
def {name}(*args, **kwargs):
    import datetime, decimal, numpy, pandas, polars, pyarrow
    return {value}
"""
ODD = """pandas.DataFrame({
        "real": [1.5, float("nan"), float("inf")],
        "at": pandas.to_datetime(["2026-01-31T06:00:00Z", None, "2026-02-01T06:00:00Z"]),
        "sum": [decimal.Decimal("1.10"), None, decimal.Decimal("2")],
        "raw": [b"\\x00", None, b"a"],
        "nested": [{"a": [1, 2]}, None, {"a": []}],
    })"""

Keep = Callable[[str], tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def keep(served: Served) -> Keep:
    """Has a block return a value: where its outputs are, and how they are listed."""

    def kept(value: str) -> tuple[str, dict[str, Any]]:
        name = served.name("keep").replace("-", "_")
        (served.folder / "custom" / f"{name}.py").write_text(CODE.format(name=name, value=value))
        pipeline = served.folder / "pipelines" / name
        pipeline.mkdir()
        (pipeline / "metadata.yaml").write_text(SINGLE.format(name=name, block=name))
        where = f"/v1/runs/{served.run(name)['id']}/blocks/{name}/outputs"
        (listed,) = served.client().get(where).json()["outputs"]
        return f"{where}/{listed['name']}", listed

    return kept


@pytest.mark.parametrize("library", ["pandas.DataFrame", "polars.DataFrame", "pyarrow.table"])
def test_a_page_of_a_frame(keep: Keep, client: Caller, library: str) -> None:
    where, listed = keep(library + '({"n": list(range(1000)), "t": [str(n) for n in range(1000)]})')
    page = client.get(where, params={"offset": 990, "limit": 3}).json()
    assert page["columns"] == ["n", "t"]
    assert page["rows"] == [[990, "990"], [991, "991"], [992, "992"]]
    assert (page["total"], page["offset"], listed["rows"]) == (1000, 990, 1000)
    assert len(client.get(where).json()["rows"]) == 100
    assert client.get(where, params={"offset": 1000}).json()["rows"] == []
    assert client.get(where, params={"offset": 2**63 - 1}).json()["rows"] == []
    whole = pa.ipc.open_stream(client.get(where, headers=ARROW).content).read_all()
    assert whole.column("n").to_pylist() == list(range(1000))
    some = client.get(where, params={"offset": 990, "limit": 3}, headers=ARROW)
    assert pa.ipc.open_stream(some.content).read_all().column("t").to_pylist() == ["990", "991", "992"]


def test_what_json_has_no_form_for_is_text(keep: Keep, client: Caller) -> None:
    where, _ = keep(ODD)
    rows = client.get(where).json()["rows"]
    assert rows[0] == [1.5, "2026-01-31 06:00:00.000000000Z", "1.10", "b'\\x00'", {"a": [1, 2]}]
    assert rows[1] == [None, None, None, None, None]
    assert rows[2][0] == "inf"


def test_arrays_have_rows_too(keep: Keep, client: Caller) -> None:
    where, _ = keep("numpy.arange(12).reshape(6, 2)")
    assert client.get(where, params={"offset": 4}).json()["rows"] == [[8, 9], [10, 11]]
    refused(client.get(where, headers=ARROW), 406)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('{"a": [1, None, "x"], "b": 2.5}', {"a": [1, None, "x"], "b": 2.5}),
        ("[1, 2, 3]", [1, 2, 3]),
        ("float('nan')", "nan"),
        ("2**70", hex(2**70)),
        ("datetime.date(2026, 1, 31)", "2026-01-31"),
        (r"'half \ud800'", "half ?"),
        ("b'raw'", "cmF3"),
    ],
)
def test_a_plain_value(keep: Keep, client: Caller, value: str, shown: Any) -> None:
    where, listed = keep(value)
    answer = client.get(where)
    assert answer.json() == {"name": "output_0", "kind": listed["kind"], "value": shown}


def test_nothing_is_unpickled_for_show(keep: Keep, client: Caller) -> None:
    where, _ = keep("type('Odd', (), {'__reduce__': lambda self: (print, ('unpickled',))})()")
    assert client.get(where).json()["value"].startswith("<")


def test_what_is_too_large_is_said_to_be(keep: Keep, client: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "LARGEST", 20_000)
    rows, _ = keep('pandas.DataFrame({"t": ["x" * 1000] * 50})')
    plain, _ = keep('["x" * 1000] * 50')
    assert "Ask for fewer rows" in refused(client.get(rows), 413)["detail"]
    assert len(client.get(rows, params={"limit": 10}).json()["rows"]) == 10
    assert pa.ipc.open_stream(client.get(rows, headers=ARROW).content).read_all().num_rows == 50
    refused(client.get(plain), 413)


def test_a_frame_crosses_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it is, little of it is on its way at once; dictionaries cross too."""
    words = pa.array(["a", "b"] * 5_000).dictionary_encode()
    table = pa.table({"n": list(range(10_000)), "word": words})
    _, (output,) = outputs.save(table, tmp_path / "attempt", tmp_path)
    monkeypatch.setattr(crossing, "PART", 10_000)
    parts = list(crossing.stream(output, tmp_path, 0, None))
    assert len(parts) > 10
    assert max(map(len, parts)) < 25_000
    assert pa.ipc.open_stream(b"".join(parts)).read_all().equals(table.unify_dictionaries())
    assert pa.ipc.open_stream(b"".join(crossing.stream(output, tmp_path, 10_000, 5))).read_all().num_rows == 0


def test_what_is_gone_is_said_to_be(keep: Keep, served: Served, client: Caller) -> None:
    where, listed = keep('pandas.DataFrame({"n": [1]})')
    (served.app.settings.home / listed["path"]).unlink()
    refused(client.get(where), 410)
    refused(client.get(where, headers=ARROW), 410)


def test_what_is_not_there_is_not_found(served: Served, client: Caller) -> None:
    run = served.run()["id"]
    refused(client.get(f"/v1/runs/{run}/blocks/none/outputs"), 404)
    refused(client.get("/v1/runs/999999/blocks/load/outputs"), 404)
    for name in ("none", "..%2F..%2Fkey", "output_0.json"):
        refused(client.get(f"/v1/runs/{run}/blocks/load/outputs/{name}"), 404)
    refused(client.get(f"/v1/runs/{run}/blocks/load/outputs/output_0?limit=0"), 422, "limit")
    refused(client.get(f"/v1/runs/{run}/blocks/load/outputs/output_0?offset=-1"), 422, "offset")
    refused(served.client(None).get(f"/v1/runs/{run}/blocks/load/outputs"), 401)


def test_a_library_that_is_missing_is_named(keep: Keep, client: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    where, _ = keep('polars.DataFrame({"n": [1]})')
    monkeypatch.setitem(__import__("sys").modules, "headrace.outputs.polars_frames", None)
    problem = refused(client.get(where), 501)
    assert "headrace[frames]" in problem["detail"]
