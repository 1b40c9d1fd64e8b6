import pandas as pd

from flights.utils.nycflights import data_file

if 'data_loader' not in globals():
    from mage_ai.data_preparation.decorators import data_loader
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@data_loader
def load(*args, **kwargs):
    """Every flight that was to leave New York in 2013, cancelled ones too."""
    return pd.read_csv(data_file('flights.csv.zip'))


@test
def test_the_whole_year_is_there(flights, *args):
    assert len(flights) == 336_776
    assert set(flights['month']) == set(range(1, 13))
    assert set(flights['origin']) == {'EWR', 'JFK', 'LGA'}
