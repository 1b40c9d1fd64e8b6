"""How this project measures delay. Every summary uses these measures, so they can be compared."""

import polars as pl

LATE = 15  # minutes; what the US Department of Transportation counts as late

MEASURES = [
    pl.len().alias('flights'),
    pl.col('dep_delay').mean().round(1).alias('mean_delay'),
    (pl.col('dep_delay') >= LATE).mean().round(3).alias('late_share'),
    pl.col('cancelled').mean().round(3).alias('cancelled_share'),
]


def delays_by(flights: pl.DataFrame, *keys: str, min_flights: int = 1) -> pl.DataFrame:
    """The measures for each value of the keys, the latest first.

    Left out are groups of fewer flights, and groups none of whose flights ever left.
    """
    return (
        flights.group_by(keys)
        .agg(MEASURES)
        .filter(pl.col('flights') >= min_flights)
        .drop_nulls('mean_delay')
        .sort('mean_delay', *keys, descending=[True] + [False] * len(keys))
    )
