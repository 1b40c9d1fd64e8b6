"""Variables of the Mage dialect: kept in the pipeline's file, which is changed in their place alone."""

from pathlib import Path
from typing import Any

import pytest
from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace.api.mage.variables.shapes import Variable
from headrace.model.access import Role

WRITTEN = """
# how the mill is turned
name: {name}
type: python
blocks:
- {{uuid: load, type: data_loader, language: python, upstream_blocks: [], downstream_blocks: []}}
variables:
  stones: 2  # granite
  db_password: opensesame
"""


@pytest.fixture
def pipeline(served: Served) -> str:
    name = served.name("mill").replace("-", "_")
    file = file_of(served, name)
    file.parent.mkdir(parents=True)
    file.write_text(WRITTEN.format(name=name).lstrip("\n"))
    return name


def file_of(served: Served, pipeline: str) -> Path:
    return served.folder / "pipelines" / pipeline / "metadata.yaml"


def listed(served: Served, pipeline: str, query: str = "?global_only=true") -> list[dict[str, Any]]:
    answer = served.client(Role.VIEWER).get(f"/api/pipelines/{pipeline}/variables{query}").json()
    assert answer["metadata"] == {}
    for each in answer["variables"]:
        like(each, Variable)
    return answer["variables"]


def test_the_pipeline_s_own_stand_under_global(served: Served, pipeline: str) -> None:
    assert listed(served, pipeline) == [
        {
            "block": {"uuid": "global"},
            "name": None,
            "pipeline": {"uuid": pipeline},
            "value": None,
            "variables": [
                {"uuid": "stones", "type": "<class 'int'>", "value": 2},
                {"uuid": "db_password", "type": "<class 'str'>", "value": "***"},
            ],
        }
    ]


def test_one_is_set_changed_and_deleted_in_its_place(served: Served, pipeline: str) -> None:
    editor, path = served.client(Role.EDITOR), f"/api/pipelines/{pipeline}/variables"
    before = file_of(served, pipeline).read_text()
    made = editor.post(path, json={"variable": {"name": "grain", "value": "rye"}}).json()
    like(made["variable"], Variable)
    assert made["variable"] == {
        "block": None,
        "name": "grain",
        "pipeline": None,
        "value": "rye",
        "variables": ["stones", "db_password", "grain"],
    }
    assert file_of(served, pipeline).read_text() == before + "  grain: rye\n"
    changed = editor.put(f"{path}/grain", json={"variable": {"name": "grain", "value": [1, {"two": None}]}}).json()
    assert changed["variable"]["value"] == [1, {"two": None}]
    gone = editor.delete(f"{path}/grain").json()
    assert gone == {
        "variable": {"block": None, "name": "grain", "pipeline": None, "value": None, "variables": None},
        "metadata": None,
    }
    assert file_of(served, pipeline).read_text() == before
    again = editor.delete(f"{path}/grain").json()
    assert again["error"]["type"] == "record_not_found"


def test_what_was_masked_stays_as_it_was(served: Served, pipeline: str) -> None:
    before = file_of(served, pipeline).read_text()
    path = f"/api/pipelines/{pipeline}/variables/db_password"
    served.client().put(path, json={"variable": {"name": "db_password", "value": "***"}})
    assert file_of(served, pipeline).read_text() == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("1 bad", "x", "Invalid variable name syntax for variable name 1 bad."),
        ("class", "x", "Invalid variable name syntax for variable name class."),
        ("good", None, "Value is empty."),
    ],
)
def test_a_name_is_one_of_python_and_a_value_is_something(
    served: Served, pipeline: str, name: str, value: object, message: str
) -> None:
    given = {"variable": {"name": name, "value": value}}
    error = served.client().post(f"/api/pipelines/{pipeline}/variables", json=given).json()["error"]
    assert error == {"code": 400, "message": message, "type": "record_invalid"}


def test_what_blocks_left_behind_stands_under_their_names(served: Served) -> None:
    served.run("grind", day="tuesday")
    load, sieve, _ = listed(served, "grind", "")
    assert (load["block"], sieve["block"]) == ({"uuid": "load"}, {"uuid": "sieve"})
    (output,) = load["variables"]
    assert output == {
        "uuid": "output_0",
        "type": "<class 'dict'>",
        "value": {"day": "tuesday", "grains": [1, 2, 3]},
    }


def test_a_pipeline_that_is_not_there_has_none(served: Served) -> None:
    answer = served.client().get("/api/pipelines/nothing/variables?_http_error_codes=1")
    assert answer.status_code == 404
    assert answer.json()["error"]["exception"] == "Pipeline nothing does not exist."
