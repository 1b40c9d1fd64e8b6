from flights.utils.delays import delays_by

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def by_hour(flights, *args, **kwargs):
    """Which is the worst hour to leave? Delays pile up all day: the early plane is the punctual one."""
    return delays_by(flights, 'hour', min_flights=int(kwargs.get('min_flights', 1)))


@test
def test_mornings_are_better_than_evenings(hours, *args):
    assert hours['hour'][-1] < 12 <= hours['hour'][0]
