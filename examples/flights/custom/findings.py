import duckdb
import pandas as pd

from flights.utils.folders import output_folder

if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom
if 'test' not in globals():
    from mage_ai.data_preparation.decorators import test


QUESTIONS = {
    'Which airline leaves latest?': 'airline, mean_delay from delays_by_carrier order by 2 desc',
    'Which airline is most punctual?': 'airline, mean_delay from delays_by_carrier order by 2',
    'Which hour is the worst?': "hour || ':00', mean_delay from delays_by_hour order by 2 desc",
    'Which hour is the best?': "hour || ':00', mean_delay from delays_by_hour order by 2",
    'How old are the latest planes?': (
        "age_from || ' to ' || age_from + 4 || ' years', mean_delay from delays_by_plane_age order by 2 desc"
    ),
    'What does rain add?': "band, beyond_usual from delays_by_weather where weather = 'rain' order by 2 desc",
    'What does haze add?': "band, beyond_usual from delays_by_weather where weather = 'visibility' order by 2 desc",
    'What does wind add?': "band, beyond_usual from delays_by_weather where weather = 'wind' order by 2 desc",
}


@custom
def findings(*written, **kwargs):
    """Short answers, read back from the database this run has written; a copy is kept for each date."""
    folder = output_folder(kwargs)
    with duckdb.connect(folder / 'nyc_2013.duckdb', read_only=True) as db:
        answers = [(question, *db.execute(f'select {sql} limit 1').fetchone()) for question, sql in QUESTIONS.items()]
    found = pd.DataFrame(answers, columns=['question', 'answer', 'minutes'])
    found.to_csv(folder / f'findings-{kwargs["execution_date"]:%Y-%m-%d}.csv', index=False)
    return found


@test
def test_every_question_has_an_answer(found, *args):
    assert list(found['question']) == list(QUESTIONS)
    assert found.notna().all().all()


@test
def test_bad_weather_adds_minutes(found, *args):
    added = found[found['question'].str.startswith('What does')]
    assert list(added['answer']) == ['heavy', 'fog', 'strong']
    assert added['minutes'].is_monotonic_decreasing
    assert (added['minutes'] > 0).all()
