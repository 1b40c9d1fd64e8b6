import duckdb

if 'transformer' not in globals():
    from mage_ai.data_preparation.decorators import transformer
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


DELAYS_BY_WEATHER = """
    with flights_in_weather as (
        select
            dep_delay,
            cancelled,
            dep_delay - avg(dep_delay) over (partition by origin, hour) as beyond_usual,
            rain::varchar as rain,
            visibility::varchar as visibility,
            wind::varchar as wind
        from flights join weather using (origin, time_hour)
    )
    select
        weather,
        band,
        count(*) as flights,
        round(avg(dep_delay), 1) as mean_delay,
        round(avg(beyond_usual), 1) as beyond_usual,
        round(avg(cancelled::int), 3) as cancelled_share
    from (unpivot flights_in_weather on rain, visibility, wind into name weather value band)
    group by all
    order by weather, beyond_usual desc
"""


@transformer
def by_weather(flights, weather, *args, **kwargs):
    """Does the weather at the airport delay flights, beyond what is usual there at that hour of the day?"""
    with duckdb.connect() as db:
        return db.sql(DELAYS_BY_WEATHER).df()


@test
def test_each_weather_has_four_bands(delays, *args):
    assert len(delays) == 12
    assert (delays.groupby('weather')['band'].nunique() == 4).all()


@test
def test_a_flight_is_counted_once_in_each_weather(delays, *args):
    flights = delays.groupby('weather')['flights'].sum()
    assert flights['rain'] == flights['visibility'] == 335_220
