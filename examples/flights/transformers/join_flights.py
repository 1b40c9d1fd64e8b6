import polars as pl

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def join(flights, airlines, planes, airports, *args, **kwargs):
    """Each flight with the names of its airline and destination and the age of its plane, where known."""
    airlines = pl.from_pandas(airlines).rename({'name': 'airline'})
    airports = pl.from_pandas(airports).select(dest='faa', destination='name')
    planes = pl.from_pandas(planes).select('tailnum', 'seats', plane_age=2013 - pl.col('year').cast(pl.Int16))
    return (
        pl.from_pandas(flights)
        .join(airlines, on='carrier', how='left', maintain_order='left')
        .join(airports, on='dest', how='left', maintain_order='left')
        .join(planes, on='tailnum', how='left', maintain_order='left')
    )


@test
def test_a_join_neither_loses_nor_doubles_a_flight(flights, *args):
    assert flights.height == 336_776
    assert flights['airline'].null_count() == 0


@test
def test_what_is_unknown_is_counted(flights, *args):
    assert flights['destination'].null_count() == 7_602  # to Puerto Rico and the Virgin Islands
    assert flights['seats'].null_count() == 52_606  # no such plane in the register
    assert flights['plane_age'].null_count() == 57_912
