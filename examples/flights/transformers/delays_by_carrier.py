from flights.utils.delays import delays_by

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


@transformer
def by_carrier(flights, *args, **kwargs):
    """Which airlines leave late? Those with few flights are left out."""
    return delays_by(flights, 'carrier', 'airline', min_flights=int(kwargs.get('min_flights', 1)))


@test
def test_small_airlines_are_left_out(carriers, *args, **kwargs):
    assert carriers['flights'].min() >= int(kwargs.get('min_flights', 1))


@test
def test_the_latest_comes_first(carriers, *args):
    assert carriers['carrier'].is_unique().all()
    assert carriers['mean_delay'].is_sorted(descending=True)
