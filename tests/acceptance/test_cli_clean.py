"""`headrace clean`: what would go is told, then it goes, and what stays is read as before or says that it was cleaned."""

from tests.acceptance.conftest import Command, Folder

AT_ONCE = {"HEADRACE_KEEP_RUNS_DAYS": "1e-7", "HEADRACE_KEEP_RUNS": "off"}


def test_old_runs_go_as_was_told(anywhere: Command, mill: Folder) -> None:
    mill.block("bake", "return {'loaves': 'x' * 9000}")
    for _ in range(3):
        anywhere("run", "mill", "grind", "-q")
    told = anywhere("clean", "--dry-run", **AT_ONCE)
    assert "would go" in told.out
    would = anywhere("clean", "--dry-run", "-o", "json", **AT_ONCE).json
    did = anywhere("clean", "-o", "json", **AT_ONCE).json
    assert would == did | {"dry_run": True}
    shares = {each["kind"]: (each["project"], each["pipeline"], each["rows"]) for each in did["cleaned"]}
    assert shares["runs"] == ("mill", "grind", 2)
    assert sum(each["bytes"] for each in did["cleaned"] if each["kind"] == "outputs") > 2 * 9000
    assert [run["id"] for run in anywhere("runs", "list", "-o", "json").json] == [3]
    assert anywhere("clean", **AT_ONCE).out == "There is nothing to clean.\n"
    assert len(list((anywhere.home / "outputs").iterdir())) == 1


def test_outputs_that_were_cleaned_say_so_and_a_retry_makes_them_again(headrace: Command, mill: Folder) -> None:
    for _ in range(2):
        headrace("run", "mill", "grind", "-q")
    cleaned = headrace("clean", HEADRACE_KEEP_OUTPUTS_DAYS="1e-7")
    assert "outputs" in cleaned.out
    assert "had become old, and was cleaned" in headrace("runs", "output", 1, "sow", code=1).err
    assert headrace("runs", "output", 2, "sow").out
    said = headrace("runs", "retry", 1)
    assert "completed" in said.out
    assert "[" not in headrace("runs", "output", 1, "sow").err


def test_a_setting_that_is_none_is_refused_by_its_name(headrace: Command) -> None:
    for name, given in (("KEEP_RUNS_DAYS", "-1"), ("KEEP_FAILED", "1.5"), ("KEEP_LOGS_DAYS", "soon")):
        refused = headrace("clean", code=2, **{f"HEADRACE_{name}": given})
        assert f"{name.lower()} from HEADRACE_{name}" in refused.err
