"""Which codec keeps a value, told from the name of its type: no library is imported to recognise its values."""

from typing import Any

from headrace.outputs import documents, forms

FRAMES = {
    "pandas.DataFrame": "pandas",
    "pandas.Series": "pandas",
    "polars.DataFrame": "polars",
    "polars.Series": "polars",
    "polars.LazyFrame": "polars",
    "pyarrow.Table": "arrow",
    "pyarrow.RecordBatch": "arrow",
    "pyarrow.RecordBatchReader": "arrow",
    "duckdb.DuckDBPyRelation": "duckdb",
    "numpy.ndarray": "numpy",
}


def word(value: Any) -> str:
    """The word for people: `pandas.DataFrame`, `dict`, `sklearn.linear_model._base.LinearRegression`."""
    return forms.word(type(value))


def frame_codec(value: Any) -> str | None:
    """The codec of a frame, series or array; None for everything else, subclasses of those included.

    A subclass (a GeoDataFrame, a masked array) may carry what its parent's codec does not know of.
    """
    name = word(value)
    if name.startswith("pyarrow.") and name.endswith("Array"):
        return "arrow"
    codec = FRAMES.get(name)
    return None if codec == "numpy" and value.dtype.hasobject else codec


def codec(value: Any) -> str:
    """The codec that keeps this value: of its frame, `json`, or `cloudpickle` for arbitrary objects."""
    return frame_codec(value) or ("json" if documents.knows(value) else "cloudpickle")
