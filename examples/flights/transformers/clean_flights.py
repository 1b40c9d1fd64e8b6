import pandas as pd

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


COLUMNS = [
    *('time_hour', 'month', 'hour', 'carrier', 'flight', 'tailnum', 'origin', 'dest', 'distance'),
    *('dep_delay', 'arr_delay', 'air_time', 'cancelled'),
]


@transformer
def clean(flights, *args, **kwargs):
    """A flight that never left is cancelled, and its delay is missing, not zero."""
    flights = flights.assign(
        time_hour=pd.to_datetime(flights['time_hour']),
        cancelled=flights['dep_time'].isna(),
    )
    return flights[COLUMNS].astype({'dep_delay': 'Int16', 'arr_delay': 'Int16', 'air_time': 'Int16'})


@test
def test_only_cancelled_flights_have_no_delay(flights, *args):
    assert flights['cancelled'].sum() == 8_255
    assert (flights['dep_delay'].isna() == flights['cancelled']).all()


@test
def test_types_survive_the_way_here(flights, *args):
    assert isinstance(flights['time_hour'].dtype, pd.DatetimeTZDtype)
    assert flights['dep_delay'].dtype == 'Int16'
    assert flights['cancelled'].dtype == bool
