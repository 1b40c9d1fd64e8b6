import polars as pl

from flights.utils.delays import delays_by

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def by_plane_age(flights, *args, **kwargs):
    """Do old planes leave later? In steps of five years; only a plane in the register has an age."""
    age = (pl.col('plane_age') // 5 * 5).clip(upper_bound=25)
    return delays_by(flights.drop_nulls('plane_age').with_columns(age_from=age), 'age_from')


@test
def test_every_known_age_is_counted_once(ages, *args):
    assert set(ages['age_from']) == {0, 5, 10, 15, 20, 25}
    assert ages['flights'].sum() == 336_776 - 57_912
