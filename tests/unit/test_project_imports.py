"""What a pipeline imports from outside its project is known before it runs."""

import pytest

from headrace import project


def imports(folder, **contents):
    """The imports of a pipeline whose one block is `custom/a.py`."""
    given = {"pipelines/p/metadata.yaml": "blocks: [{uuid: a, type: custom}]", **contents}
    for name, text in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return project.read(project.open(folder), "p").imports


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import pandas as pd, numpy", ("numpy", "pandas")),
        ("import google.cloud.storage\nfrom google.cloud import bigquery", ("google.cloud", "google.cloud.storage")),
        ("def f():\n    import polars", ("polars",)),
        ("try:\n    import duckdb\nexcept ImportError:\n    pass", ("duckdb",)),
        ("import os, sys, json.decoder\nfrom __future__ import annotations", ()),
        ("from mage_ai.settings.repo import get_repo_path\nimport mage_ai", ()),
        ("from . import x\nfrom ..utils import y", ()),
        ("'import pandas'  # import numpy", ()),
    ],
)
def test_what_a_block_imports_itself(tmp_path, code, expected):
    if "__future__" in code:
        code = "\n".join(reversed(code.split("\n")))
    assert imports(tmp_path, **{"custom/a.py": code}) == expected


def test_what_it_imports_through_the_projects_own_modules(tmp_path):
    folder = tmp_path / "water"
    found = imports(
        folder,
        **{
            "custom/a.py": "from utils.one import f\nfrom water.utils import two\nimport water.lib.three\nimport helpers",
            "utils/one.py": "import pandas\nfrom .four import g",
            "utils/two.py": "import polars\nimport utils.one",
            "utils/four.py": "import pyarrow",
            "lib/__init__.py": "import numpy",
            "lib/three.py": "from . import five",
            "lib/five/__init__.py": "import duckdb",
            "helpers.py": "import requests",
            "unused.py": "import scipy",
        },
    )
    assert found == ("duckdb", "numpy", "pandas", "polars", "pyarrow", "requests")


def test_the_project_itself_is_not_from_outside(tmp_path):
    assert imports(tmp_path / "water", **{"custom/a.py": "import water\nfrom water import nothing"}) == ()


def test_a_module_of_the_project_that_is_no_python_imports_nothing(tmp_path):
    assert imports(tmp_path, **{"custom/a.py": "import broken, pandas", "broken.py": "def ("}) == ("pandas",)


def test_a_folder_of_the_project_does_not_hide_a_package_of_its_name(tmp_path):
    code = {"custom/a.py": "import dbt.cli.main", "dbt/demo/models/m.sql": "select 1"}
    assert imports(tmp_path, **code) == ("dbt.cli.main",)


def test_a_module_that_lies_outside_is_not_looked_at(tmp_path):
    (tmp_path / "secret.py").write_text("import pandas")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "utils.py").symlink_to(tmp_path / "secret.py")
    assert imports(tmp_path / "p", **{"custom/a.py": "import utils"}) == ("utils",)
