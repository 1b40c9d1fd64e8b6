"""What the code of a block can import, and from where it comes."""

from pathlib import Path
from typing import Any

import pytest


def value(site: Any, code: str) -> Any:
    return site.value(site.run(code))


@pytest.mark.parametrize("package", [True, False])
@pytest.mark.parametrize("name", ["utils.deep.tool", "mill.utils.deep.tool"])
def test_project_modules_are_served_from_the_snapshot_under_live_names(site: Any, name: str, package: bool) -> None:
    if package:
        for folder in (".", "utils", "utils/deep"):
            site.write(f"{folder}/__init__.py", "\n")
    file = site.write(
        "utils/deep/tool.py", "x = 'first'\nimport inspect\ndef source(): return inspect.getsource(source)"
    )
    file.write_text("x = 'edited since'\n")
    code = f"from {name} import x, source, __file__ as file\n@custom\ndef f(): return [x, file, source()]"
    assert value(site, code) == ["first", str(file), "def source(): return inspect.getsource(source)\n"]


def test_relative_imports_and_submodules_work(site: Any) -> None:
    site.write("utils/__init__.py", "from .a import here\n")
    site.write("utils/a.py", "from . import b\nhere = b.there + 1\n")
    site.write("utils/b.py", "there = 1\n")
    assert value(site, "import utils, mill.utils.b\n@custom\ndef f(): return [utils.here, utils.a.b.there]") == [2, 1]


def test_a_module_can_read_the_data_beside_it(site: Any) -> None:
    site.write("utils/look.py", "from pathlib import Path\ntext = (Path(__file__).parent / 'data.txt').read_text()\n")
    (site.live / "utils/data.txt").write_text("live data")
    assert value(site, "from utils.look import text\n@custom\ndef f(): return text") == "live data"


def test_what_the_snapshot_lacks_is_imported_from_the_live_folder(site: Any) -> None:
    site.write("utils/__init__.py", "\n")
    (site.live / "utils/large.py").write_text("x = 'large'\n")
    (site.live / "elsewhere").mkdir()
    (site.live / "elsewhere/__init__.py").write_text("y = 'live'\n")
    code = "from utils.large import x\nfrom elsewhere import y\n@custom\ndef f(): return [x, y]"
    outcome = site.run(code)
    assert site.value(outcome) == ["large", "live"] and outcome.ready.retire is None
    (site.live / "elsewhere/__init__.py").write_text("y = 'again, and longer'\n")
    assert site.value(site.run(code)) == ["large", "again, and longer"], "live modules are fresh for each block, too"


def test_an_installed_package_wins_over_a_project_folder(site: Any) -> None:
    for name in ("msgspec", "json", "click"):
        site.write(f"{name}/__init__.py", "mine = True\n")
    code = """
        import click, json, msgspec
        from mill.click import mine

        @custom
        def f(): return [mine, *(hasattr(each, 'mine') for each in (click, json, msgspec))]
    """
    assert value(site, code) == [True, False, False, False]


def test_a_namespace_is_shared_with_an_installed_one(site: Any, tmp_path: Path) -> None:
    installed = tmp_path / "installed" / "shared_space"
    installed.mkdir(parents=True)
    (installed / "theirs.py").write_text("x = 'theirs'\n")
    site.write("shared_space/ours.py", "y = 'ours'\n")
    code = f"""
        import sys
        sys.path.append({str(tmp_path / "installed")!r})
        from shared_space import ours, theirs

        @custom
        def f(): return [ours.y, theirs.x]
    """
    assert value(site, code) == ["ours", "theirs"]


def test_each_block_gets_modules_of_its_own(site: Any) -> None:
    site.write("utils/state.py", "seen = []\n")
    code = "from utils.state import seen\n@custom\ndef f():\n    seen.append(1)\n    return len(seen)"
    assert [value(site, code) for _ in range(2)] == [1, 1]


def test_a_broken_module_is_told_with_its_line(site: Any) -> None:
    file = site.write("utils/bad.py", "x = 1\ny = (\n")
    failure = site.run("import utils.bad\n@custom\ndef f(): ...").finished.failure
    assert (failure.type, failure.file, failure.line) == ("SyntaxError", str(file), 2)


def test_processes_that_a_block_starts_find_the_live_project(site: Any) -> None:
    site.write("utils/tool.py", "def double(x): return 2 * x\n")
    code = """
        import multiprocessing, subprocess, sys
        from utils.tool import double

        @custom
        def f():
            with multiprocessing.get_context('fork').Pool(2) as pool:
                return pool.map(double, [1, 2])
    """
    assert value(site, code) == [2, 4]
    assert value(site, "import sys\n@custom\ndef f(): return sys.path[-2:]") == [str(site.live.parent), str(site.live)]


def test_mage_ai_says_where_the_project_is(site: Any) -> None:
    code = """
        from mage_ai.settings.repo import get_repo_path, get_variables_dir
        from mage_ai.data_preparation.repo_manager import get_repo_path as older

        @custom
        def f():
            import os
            return [get_repo_path(), older(), get_variables_dir(), os.getcwd()]
    """
    live = str(site.live)
    assert value(site, code) == [
        live,
        live,
        str(Path(site.workplace.environment["HOME"], ".mage_data/mill")),
        str(site.live.parent),
    ]


NAMES = [
    "callback",
    "condition",
    "custom",
    "data_exporter",
    "data_loader",
    "extension",
    "sensor",
    "transformer",
    "test",
    "on_success",
    "on_failure",
    "data_source",
    "xy",
    "x",
    "y",
    "configuration",
    "render",
    "columns",
    "data_integration_destination",
    "data_integration_source",
    "data_integration_catalog",
    "data_integration_config",
    "data_integration_selected_streams",
    "data_integration_query",
    "preprocesser_functions",
    "streaming_source",
    "streaming_sink",
]


def test_every_decorator_gives_back_what_it_decorates(site: Any) -> None:
    code = f"""
        from mage_ai.data_preparation.decorators import {", ".join(NAMES)}, collect_decorated_objs
        found = []

        @custom
        def f():
            def g(): ...
            class C: ...
            all_names = [{", ".join(NAMES)}]
            return [
                all(d(g) is g and d('success')(g) is g and d(status='x')(C) is C and d()(g) is g for d in all_names),
                collect_decorated_objs(found)(g) is g and found == [g],
            ]
    """
    assert value(site, code) == [True, True]


@pytest.mark.parametrize(
    "line",
    [
        "import mage_ai.io.postgres",
        "from mage_ai.io.file import FileIO",
        "from mage_ai import streaming",
        "import mage_ai.nothing",
    ],
)
def test_what_is_not_offered_is_said_clearly(site: Any, line: str) -> None:
    failure = site.run(f"{line}\n@custom\ndef f(): ...").finished.failure
    assert failure.message.startswith("headrace does not provide mage_ai.")
    assert "mage_ai.data_preparation.decorators" in failure.message and "mage_ai.settings.repo" in failure.message
    code = (
        f"try:\n    {line}\nexcept ModuleNotFoundError as error:\n    said = str(error)\n@custom\ndef f(): return said"
    )
    assert value(site, code) == failure.message


def test_ours_wins_over_an_installed_mage_ai(site: Any, tmp_path: Path) -> None:
    (tmp_path / "installed/mage_ai").mkdir(parents=True)
    (tmp_path / "installed/mage_ai/__init__.py").write_text("raise RuntimeError('the other one')\n")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path / 'installed')!r})\n"
    code += "from mage_ai.data_preparation.decorators import custom\n@custom\ndef f(): return 1"
    assert value(site, code) == 1


def test_new_installed_modules_are_reported_for_the_template(site: Any) -> None:
    outcome = site.run("@custom\ndef f():\n    import sortedcontainers.sortedset\n    return 1")
    assert "sortedcontainers" in outcome.ready.retire
    assert {"sortedcontainers", "sortedcontainers.sortedset"} <= set(outcome.ready.imported)
    outcome = site.run("import wave, colorsys\n@custom\ndef f(): return 1")
    assert (outcome.ready.retire, outcome.ready.imported) == (None, ())
