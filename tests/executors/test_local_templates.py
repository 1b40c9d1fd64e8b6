"""Third-party modules are imported once, into the template that workers are forked from; odd ones do no harm there."""

import contextlib
import itertools
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.executors import local
from headrace.settings import Settings

from .conftest import PATIENCE, Desk, Site

ODD = {
    "odd_hanging": "import time; time.sleep(3600)",
    "odd_raising": "raise RuntimeError('not today')",
    "odd_leaving": "import sys; sys.exit(3)",
    "odd_dying": "import os; os._exit(4)",
    "odd_threading": "import threading, time; threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()",
    "odd_spawning": "import subprocess; child = subprocess.Popen(['sleep', '3600'])",
    "odd_talking": "print('x' * 200_000)",
}


@pytest.fixture(autouse=True)
def installed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: some odd, and `sound`, which says where it is imported."""
    folder = site.root / "installed"
    folder.mkdir()
    for name, code in ODD.items():
        (folder / f"{name}.py").write_text(code)
    (folder / "sound.py").write_text(
        f"import os; open({str(site.root / 'imported')!r}, 'a').write(f'{{os.getpid()}} ')"
    )
    (folder / "later.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return folder


def until_warm(site: Site, desk: Desk, **facts: Any) -> None:
    """Runs blocks until one gets a worker that was forked with `sound`."""
    deadline = time.monotonic() + PATIENCE
    task = site.task("say('sound' in sys.modules)", **facts)
    for number in itertools.count():
        assert time.monotonic() < deadline
        desk.run(msgspec.structs.replace(task, attempt=f"try-{number}"))
        if site.hear() == "True":
            return


def imported(site: Site) -> list[str]:
    return (site.root / "imported").read_text().split()


def test_what_a_task_names_is_imported_before_its_worker_is_forked(site: Site, desk: Desk) -> None:
    body = "warm = 'sound' in sys.modules; import sound; say(warm); say(os.getpid())"
    assert desk.run(site.task(body, imports=("sound",))).status == "completed"
    assert site.hear() == "True"
    worker = site.hear()
    assert desk.run(site.task(body, imports=("sound",), fresh_process=True)).status == "completed"
    assert site.hear() == "True"
    assert len(imported(site)) == 1
    assert worker not in imported(site)


def test_a_worker_that_is_there_does_not_import_what_a_template_is_importing(site: Site, desk: Desk) -> None:
    desk.run(site.task())
    assert desk.run(site.task("say('sound' in sys.modules)", imports=("sound",))).status == "completed"
    assert site.hear() == "True"


def test_what_a_block_imports_is_there_for_the_next(site: Site, desk: Desk) -> None:
    desk.run(site.task("import sound"))
    until_warm(site, desk)
    assert len(imported(site)) == 2


def test_a_module_that_cannot_be_found_is_passed_over(site: Site, desk: Desk) -> None:
    body = "import sound; say(os.getpid())"
    assert desk.run(site.task(body, imports=("no_such_module", "sound"))).status == "completed"
    assert site.hear() not in imported(site)


def test_modules_of_the_project_are_not_imported_into_a_template(site: Site, desk: Desk) -> None:
    (site.project / "own.py").write_text("raise RuntimeError('imported')")
    (site.root / "beside.py").write_text("raise RuntimeError('imported')")
    task = site.task("say({'own', 'beside'} & set(sys.modules))", imports=("own", "beside", "sound"))
    assert desk.run(task).status == "completed"
    assert site.hear() == "set()"


@pytest.mark.parametrize("name", sorted(set(ODD) - {"odd_hanging"}))
def test_an_odd_module_costs_neither_the_task_nor_the_other_modules(site: Site, desk: Desk, name: str) -> None:
    task = site.task(f"say('sound' in sys.modules); say({name!r} in sys.modules)", imports=("sound", name, "later"))
    assert desk.run(task).status == "completed"
    assert (site.hear(), site.hear()) == ("True", str(name == "odd_talking"))


@pytest.fixture
def hurried(installed: Path) -> None:
    """The supervisor loses its patience sooner."""
    code = "from headrace.worker import crew; crew.PATIENCE, crew.SLOWEST = 0.2, 1.0"
    (installed / "sitecustomize.py").write_text(code)


@pytest.mark.usefixtures("hurried")
def test_a_module_that_hangs_is_waited_for_only_so_long_and_then_given_up(site: Site, desk: Desk) -> None:
    imports = ("odd_hanging", "sound")
    assert desk.run(site.task("say('sound' in sys.modules)", imports=imports)).status == "completed"
    assert site.hear() == "False"
    until_warm(site, desk, imports=imports)


def test_workers_of_one_template_draw_different_numbers(site: Site, desk: Desk) -> None:
    body = "import numpy, random; say((random.random(), float(numpy.random.rand())))"
    tasks = [site.task(body, imports=("numpy", "numpy.random"), fresh_process=True) for _ in range(3)]
    drawn: set[str] = set()
    for task in tasks:
        desk.run(task)
        drawn.add(site.hear())
    assert len(drawn) == 3


def test_a_template_is_told_of_thousands_of_modules(site: Site, desk: Desk) -> None:
    names = tuple(f"no_such_module_of_a_long_name.part_{number}" for number in range(6_000))
    assert desk.run(site.task("say('sound' in sys.modules)", imports=(*names, "sound"))).status == "completed"
    assert site.hear() == "True"


def test_workers_that_cannot_go_on_are_not_forked_for_ever(site: Site, desk: Desk, installed: Path) -> None:
    (installed / "sitecustomize.py").write_text("from headrace.worker import main; main.serve = lambda *_: 1 / 0")
    with contextlib.closing(local.Local(Settings(home=site.root, workers=2))) as executor:
        lame = Desk(executor)
        for _ in range(3):
            outcome = lame.run(site.task())
            assert outcome.reason in ("no_worker", "worker_died")
            assert outcome.failure
            assert "division by zero" in outcome.failure.message
