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


@pytest.mark.parametrize(("given", "days"), [("off", None), ("0", None), ("0.5", 0.5), ("90", 90.0)])
def test_how_long_things_are_kept_is_in_days_or_off(tmp_path: Path, given: str, days: float | None) -> None:
    found = load(tmp_path, HEADRACE_KEEP_RUNS_DAYS=given, HEADRACE_KEEP_OUTPUTS_DAYS=given)
    assert (found.keep_runs_days, found.keep_outputs_days) == (days, days)
    assert (found.keep_failed_days, found.keep_logs_days) == (365.0, 90.0), "the others are as they were"


@pytest.mark.parametrize("given", ["-1", "nan", "inf", "soon", "true"])
def test_days_that_are_none_are_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(
        errors.BadSetting, match=r"keep_logs_days from HEADRACE_KEEP_LOGS_DAYS .* a number of days, or off"
    ):
        load(tmp_path, HEADRACE_KEEP_LOGS_DAYS=given)


def test_so_many_of_the_newest_are_kept_or_none_for_that(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('keep_runs = 7\nkeep_failed = "off"')
    found = load(tmp_path)
    assert (found.keep_runs, found.keep_failed) == (7, 0)
    for given in ("-1", "1.5", "many", "9999999999"):
        with pytest.raises(errors.BadSetting, match="keep_runs from HEADRACE_KEEP_RUNS"):
            load(tmp_path, HEADRACE_KEEP_RUNS=given)


def test_datasets_lie_in_the_home_a_folder_or_an_object_store(tmp_path: Path) -> None:
    assert load(tmp_path).datasets is None
    assert load(tmp_path, HEADRACE_DATASETS="/srv/tables").datasets == "/srv/tables"
    assert load(tmp_path, HEADRACE_DATASETS="s3://bucket/tables/").datasets == "s3://bucket/tables"
    for given in ("tables", "./tables", "/srv/a%20b", " "):
        with pytest.raises(errors.BadSetting, match=r"an absolute path, or a URL|a text"):
            load(tmp_path, HEADRACE_DATASETS=given)


def test_the_password_of_an_object_store_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(errors.BadSetting) as refused:
        load(tmp_path, HEADRACE_DATASETS="s3://user:top-secret@bucket/tables")
    assert "top-secret" not in str(refused.value)


@pytest.mark.parametrize("odd", ["?", "#"])
def test_what_is_no_part_of_where_tables_lie_is_refused(tmp_path: Path, odd: str) -> None:
    with pytest.raises(errors.BadSetting, match=r"without a password, \? or # in it") as refused:
        load(tmp_path, HEADRACE_DATASETS=f"s3://bucket/tables{odd}top-secret")
    assert "top-secret" not in str(refused.value)


def test_proxies_that_are_trusted_are_addresses_or_networks(tmp_path: Path) -> None:
    assert load(tmp_path).trusted_proxies == ()
    found = load(tmp_path, HEADRACE_TRUSTED_PROXIES="10.0.0.5, 192.168.1.7/16,fd00::/8").trusted_proxies
    assert [str(each) for each in found] == ["10.0.0.5/32", "192.168.0.0/16", "fd00::/8"]
    for given in ("proxy.example", "10.0.0.0/33", "*"):
        with pytest.raises(errors.BadSetting, match="trusted_proxies from HEADRACE_TRUSTED_PROXIES"):
            load(tmp_path, HEADRACE_TRUSTED_PROXIES=given)
