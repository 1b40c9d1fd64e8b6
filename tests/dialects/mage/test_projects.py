"""What Mage's pages ask for before anything else: the project, the scheduler, forms."""

import pytest
from tests.api.conftest import Served
from tests.dialects.mage.contract import like

from headrace import version
from headrace.api.mage.projects import shapes
from headrace.model.access import Role


@pytest.mark.parametrize("path", ["/api/projects", "/projects/mill/api/projects"])
def test_the_project_is_the_one_of_the_address(served: Served, path: str) -> None:
    answer = served.client(Role.VIEWER).get(path).json()
    assert answer["metadata"] == {}
    (project,) = answer["projects"]
    like(project, shapes.Project)
    assert (project["name"], project["repo_path"]) == ("mill", str(served.folder))
    assert project["version"] == version.__version__


def test_the_scheduler_runs_and_is_not_stopped_from_here(served: Served) -> None:
    assert served.client(Role.VIEWER).get("/api/schedulers").json() == {
        "schedulers": [{"status": "running"}],
        "metadata": {},
    }
    editor, started = served.client(Role.EDITOR), {"scheduler": {"status": "running"}, "metadata": None}
    assert editor.post("/api/schedulers", json={"scheduler": {"action_type": "start"}}).json() == started
    assert editor.post("/api/schedulers", json={"scheduler": {"action_type": "stop"}}).json()["error"]["code"] == 400
    assert editor.post("/api/schedulers", json={"scheduler": {"action_type": "x"}}).json()["error"]["code"] == 500
    refused = served.client(Role.VIEWER).post("/api/schedulers", json={"scheduler": {"action_type": "stop"}}).json()
    assert refused["error"]["code"] == 403


def test_a_pipeline_has_no_forms(served: Served) -> None:
    shown = served.client().get("/api/pipeline_interactions/grind").json()["pipeline_interaction"]
    like(shown, shapes.PipelineInteraction)
    assert served.client().get("/api/pipeline_interactions/nothing").json()["error"]["code"] == 500
