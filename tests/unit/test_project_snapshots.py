"""A snapshot is the code of a project, known by content; laid out, it does not change."""

import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from headrace import errors, project
from headrace.project import layout, snapshots, tree

FILES = {
    "metadata.yaml": "project_type: standalone\n",
    "pipelines/p/metadata.yaml": "blocks: [{uuid: a, type: custom}, {uuid: n, type: markdown}]\n",
    "pipelines/q/metadata.yaml": "blocks: []\n",
    "custom/a.py": "import utils.b\n",
    "custom/data/c.sql": "select 1\n",
    "utils/b.py": "x = 1\n",
    "dbt/demo/seeds/s.csv": "a,b\n",
    "dbt/demo/models/m.yml": "version: 2\n",
}
LEFT_OUT = [
    "io_config.yaml",
    ".env",
    ".git/x.py",
    ".variables/x.py",
    ".file_versions/x.py",
    "data/x.py",
    "node_modules/a/x.py",
    "secrets/x.yaml",
    "utils/__pycache__/b.py",
    "venv/pyvenv.cfg",
    "venv/lib/x.py",
    "cache/CACHEDIR.TAG",
    "cache/x.py",
    "utils/x.csv",
    "utils/x.txt",
    "dbt/demo/dbt_packages/p/x.sql",
    "dbt/demo/profiles.yml",
]


def made(folder, files=FILES):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return project.open(folder)


def names(snapshot):
    return [file.path for file in snapshot.files]


def settle(folder):
    """Every file looks as if it were last changed long ago."""
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))


def test_code_is_in_it_and_nothing_else(tmp_path):
    found = made(tmp_path, {**FILES, **dict.fromkeys(LEFT_OUT, "x")})
    (tmp_path / "utils" / "large.py").write_text("#" * (2**20 + 1))
    taken = project.snapshot(found)
    assert names(taken) == sorted(FILES)
    assert {file.path: file.size for file in taken.files} == {name: len(text) for name, text in FILES.items()}
    assert all(tree.keeps(name) for name in FILES)
    marked = ("venv/", "cache/")
    assert not [name for name in LEFT_OUT if tree.keeps(name) and not name.startswith(marked)]


def test_the_hash_depends_on_names_and_contents_alone(tmp_path):
    one = project.snapshot(made(tmp_path / "one"))
    two = made(tmp_path / "elsewhere" / "two", dict(reversed(FILES.items())))
    settle(two.path)
    assert project.snapshot(two) == one


@pytest.mark.parametrize(
    "change",
    [
        lambda path: (path / "utils/b.py").write_text("x = 2\n"),
        lambda path: (path / "utils/b.py").rename(path / "utils/c.py"),
        lambda path: (path / "utils/b.py").unlink(),
        lambda path: (path / "utils/new.py").write_text(""),
    ],
)
def test_a_change_changes_the_hash(tmp_path, change):
    found = made(tmp_path)
    before = project.snapshot(found)
    change(tmp_path)
    assert project.snapshot(found).hash != before.hash


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path):
    found = made(tmp_path)
    settle(tmp_path)
    before = project.snapshot(found)
    (tmp_path / "utils/b.py").write_text("x = 2\n")
    settle(tmp_path)
    assert project.snapshot(found).hash != before.hash


def later(monkeypatch):
    """Every file was last changed long ago."""
    now = snapshots.clock.now() + timedelta(hours=1)
    monkeypatch.setattr(snapshots.clock, "now", lambda: now)


def change_unseen(found, monkeypatch):
    """A file changes, and no stat shows it."""
    as_it_was = tree.scan(found.path)
    monkeypatch.setattr(tree, "scan", lambda root: as_it_was)
    (found.path / "utils/b.py").write_text("x = 2\n")


def test_a_stat_is_not_trusted_while_a_second_change_may_not_show(tmp_path, monkeypatch):
    found = made(tmp_path)
    before = project.snapshot(found)
    change_unseen(found, monkeypatch)
    assert project.snapshot(found).hash != before.hash


def test_a_file_whose_stat_is_as_it_was_is_not_read_again(tmp_path, monkeypatch):
    found = made(tmp_path)
    later(monkeypatch)
    before = project.snapshot(found)
    change_unseen(found, monkeypatch)
    assert project.snapshot(found) == before


def test_a_file_whose_stat_changed_is_read_again(tmp_path, monkeypatch):
    found = made(tmp_path)
    later(monkeypatch)
    before = project.snapshot(found)
    (found.path / "utils/b.py").write_text("x = 22\n")
    assert project.snapshot(found).hash != before.hash


def test_links_are_followed_within_the_project_only(tmp_path):
    found = made(tmp_path / "p", {"pipelines/p/metadata.yaml": "", "lib/a.py": "x = 1\n"})
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.py").write_text("")
    for link, target in {
        "linked": "lib",
        "c.py": "lib/a.py",
        "lib/loop": "..",
        "out": "../outside",
        "out.py": "../outside/b.py",
        "gone.py": "nowhere",
    }.items():
        (tmp_path / "p" / link).symlink_to(target)
    assert names(project.snapshot(found)) == ["c.py", "lib/a.py", "linked/a.py", "pipelines/p/metadata.yaml"]


def test_what_is_no_file_is_left_out(tmp_path):
    found = made(tmp_path)
    os.mkfifo(tmp_path / "utils" / "pipe.py")
    (tmp_path / "utils" / "folder.py").mkdir()
    (tmp_path / os.fsdecode(b"utils/\xff.py")).write_text("")
    assert names(project.snapshot(found)) == sorted(FILES)


def test_a_folder_of_far_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tree, "MOST", 5)
    with pytest.raises(errors.ProjectUnreadable, match="it has more than 5 files of code"):
        project.snapshot(made(tmp_path))


def test_a_project_that_is_gone(tmp_path):
    found = made(tmp_path / "p")
    shutil.rmtree(tmp_path / "p")
    with pytest.raises(errors.ProjectUnreadable):
        project.snapshot(found)


def test_a_version_is_of_one_pipelines_own_files(tmp_path):
    def versions(found):
        taken = project.snapshot(found)
        return [project.version_hash(project.read(found, name), taken) for name in ("p", "q")]

    found = made(tmp_path)
    p, q = versions(found)
    assert p != q
    (tmp_path / "utils/b.py").write_text("x = 2\n")
    assert versions(found) == [p, q]
    (tmp_path / "custom/a.py").write_text("y = 2\n")
    assert versions(found)[0] != p
    assert versions(found)[1] == q
    (tmp_path / "pipelines/q/metadata.yaml").write_text("blocks:\n")
    assert versions(found)[1] != q


def contents(place):
    return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_it_is_laid_out_as_it_is(tmp_path):
    found = made(tmp_path / "water")
    taken, place = project.pin(found, tmp_path / "versions")
    assert place == tmp_path / "versions" / taken.hash / "water"
    assert contents(place) == FILES
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in place.rglob("*") if path.is_file())
    assert [path.name for path in place.parent.iterdir()] == ["water"]


def test_two_projects_of_equal_code_lie_side_by_side(tmp_path):
    places = [project.pin(made(tmp_path / name), tmp_path / "versions")[1] for name in ("one", "two")]
    assert places[0].parent == places[1].parent
    assert contents(places[0]) == contents(places[1])


def test_what_is_laid_out_needs_the_project_no_more(tmp_path):
    found = made(tmp_path / "water")
    taken, place = project.pin(found, tmp_path / "versions")
    (found.path / "utils/b.py").write_text("x = 2\n")
    before = place.stat()
    assert project.lay_out(taken, found, tmp_path / "versions") == place
    assert (place.stat().st_ino, contents(place)) == (before.st_ino, FILES)


def test_a_file_that_changed_since_is_not_laid_out_as_if_it_had_not(tmp_path):
    found = made(tmp_path / "water")
    taken = project.snapshot(found)
    (found.path / "utils/b.py").write_text("x = 2\n")
    with pytest.raises(errors.ProjectChanged, match=r"utils/b\.py"):
        project.lay_out(taken, found, tmp_path / "versions")
    assert not list((tmp_path / "versions" / taken.hash).iterdir())


def test_pinning_takes_the_snapshot_anew_when_the_project_changes_meanwhile(tmp_path, monkeypatch):
    found = made(tmp_path / "water")
    stale = project.snapshot(found)
    (found.path / "utils/b.py").write_text("x = 2\n")
    answers = [stale]
    real = layout.snapshots.snapshot
    monkeypatch.setattr(layout.snapshots, "snapshot", lambda given: answers.pop() if answers else real(given))
    taken, place = project.pin(found, tmp_path / "versions")
    assert taken.hash != stale.hash
    assert contents(place) == {**FILES, "utils/b.py": "x = 2\n"}


def test_damage_is_put_right_by_the_next_process(tmp_path):
    found = made(tmp_path / "water")
    _taken, place = project.pin(found, tmp_path / "versions")
    (place / "utils/b.py").unlink()
    (place / "custom/a.py").chmod(0o644)
    (place / "custom/a.py").write_text("")
    script = "import sys; from headrace import project; from pathlib import Path; found = project.open(sys.argv[1]);"
    script += "project.lay_out(project.snapshot(found), found, Path(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", script, found.path, tmp_path / "versions"], check=True)
    assert contents(place) == FILES


def test_texts_that_lie_nowhere_are_laid_out_as_files_are(tmp_path):
    texts = {"transformers/b/two.sql": "select 'é'\r\n", "transformers/a.sql": "select 1"}
    laid = project.lay_out_texts(texts, "water", tmp_path / "versions")
    place = tmp_path / "versions" / laid.hash / "water"
    assert {path: (place / path).read_bytes().decode() for path in texts} == texts
    assert laid == project.snapshot(replace(made(tmp_path / "beside"), path=place))
    shutil.rmtree(place)
    assert project.lay_out_texts(texts, "water", tmp_path / "versions") == laid
    assert len(contents(place)) == 2


def test_what_a_snapshot_has_in_common_with_the_one_before_lies_there_once(tmp_path):
    found = made(tmp_path / "water")
    _, first = project.pin(found, tmp_path / "versions")
    (found.path / "utils/b.py").write_text("x = 2\n")
    _, second = project.pin(found, tmp_path / "versions")
    assert [name for name in FILES if not (first / name).samefile(second / name)] == ["utils/b.py"]
    shutil.rmtree(first.parent)
    assert contents(second) == {**FILES, "utils/b.py": "x = 2\n"}


def test_what_the_snapshot_before_has_lost_is_copied(tmp_path):
    found = made(tmp_path / "water")
    _, first = project.pin(found, tmp_path / "versions")
    shutil.rmtree(first.parent)
    (found.path / "utils/b.py").write_text("x = 2\n")
    assert contents(project.pin(found, tmp_path / "versions")[1]) == {**FILES, "utils/b.py": "x = 2\n"}


def test_several_at_once_make_one(tmp_path):
    found = made(tmp_path / "water", {**FILES, **{f"utils/m{n}.py": f"x = {n}\n" for n in range(30)}})
    taken = project.snapshot(found)
    with ThreadPoolExecutor(8) as pool:
        places = set(pool.map(lambda _: project.lay_out(taken, found, tmp_path / "versions"), range(16)))
    (place,) = places
    assert len(contents(place)) == len(taken.files)
    assert [path.name for path in place.parent.iterdir()] == ["water"]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path):
    found = made(tmp_path / "water")
    taken = project.snapshot(found)
    (tmp_path / "versions" / taken.hash / ".building-abc" / "utils").mkdir(parents=True)
    assert contents(project.lay_out(taken, found, tmp_path / "versions")) == FILES


def test_versions_within_the_project_are_no_code_of_it(tmp_path):
    found = made(tmp_path / "water")
    taken, _ = project.pin(found, found.path / "home" / "versions")
    assert project.pin(found, found.path / "home" / "versions")[0] == taken


def test_a_link_that_leads_in_a_circle_is_no_code(tmp_path):
    folder = tmp_path / "mill"
    (folder / "pipelines").mkdir(parents=True)
    (folder / "circle").symlink_to("circle")
    (folder / "circle.py").symlink_to("circle.py")
    assert project.snapshot(project.open(folder)).files == ()
