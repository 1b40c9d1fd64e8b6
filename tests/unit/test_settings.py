"""Settings come from the environment and from headrace.toml; what is wrong is named, with where it was set."""

from pathlib import Path

import pytest

from headrace import errors, settings

URL = "postgresql://mill:top-secret@db.example:5433/runs"


def load(home: Path, **environ: str) -> settings.Settings:
    return settings.load({"HEADRACE_HOME": str(home), **environ})


def test_rows_are_in_the_home_unless_a_database_is_named(tmp_path: Path) -> None:
    assert load(tmp_path).database is None
    assert load(tmp_path, HEADRACE_DATABASE=URL).database == URL
    (tmp_path / "headrace.toml").write_text(f'database = "{URL}"\nlease = 12')
    found = load(tmp_path)
    assert (found.database, found.lease) == (URL, 12.0)
    assert load(tmp_path, HEADRACE_LEASE="2.5").lease == 2.5


def test_the_password_of_a_database_is_shown_nowhere(tmp_path: Path) -> None:
    assert "top-secret" not in repr(load(tmp_path, HEADRACE_DATABASE=URL))
    with pytest.raises(errors.BadSetting) as refused:
        load(tmp_path, HEADRACE_DATABASE="mysql://mill:top-secret@db/runs")
    assert "top-secret" not in str(refused.value)
    assert "database from HEADRACE_DATABASE" in str(refused.value)
    assert "postgresql://user:password@host:port/name" in str(refused.value)


@pytest.mark.parametrize("given", ["0", "0.5", "-1", "soon", "inf", "nan"])
def test_a_lease_is_a_second_at_least(tmp_path: Path, given: str) -> None:
    with pytest.raises(errors.BadSetting, match="lease from HEADRACE_LEASE"):
        load(tmp_path, HEADRACE_LEASE=given)
