"""Names: what a dataset may be called, and where its table lies."""

from pathlib import Path

import pytest

from headrace import errors
from headrace.datasets import names
from headrace.model import dataset

NONE = ["", "a/b", "../a", "a.b", ".", "a" * 129, "a" * 300, "1a", "_a", "ä", "ａ", "a b", "a\n", "a\0", "a-b", "a%2fb"]


@pytest.mark.parametrize("name", ["a", "A1_", "a" * 128, "Daily_Sales"])
def test_what_a_dataset_may_be_called(name: str) -> None:
    assert dataset.check(name) == name
    assert dataset.key(name) == name.lower()


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_name_is_part_of_no_path(name: str) -> None:
    with pytest.raises(errors.BadDatasetName) as refused:
        names.location(None, name)
    assert len(str(refused.value)) < 400
    assert "a letter and then letters, digits and underscores, at most 128 in all" in str(refused.value)


def test_where_a_table_lies() -> None:
    home = Path("/home/mill")
    for setting, place in (
        (None, "/home/mill/datasets/daily_sales"),
        ("/srv/tables", "/srv/tables/daily_sales"),
        ("s3://bucket/tables", "s3://bucket/tables/daily_sales"),
    ):
        assert names.absolute(home, names.location(setting, "Daily_Sales")) == place
    assert not Path(names.location(None, "x")).is_absolute(), "a home may be moved"
