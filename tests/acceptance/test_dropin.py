"""What blocks of existing projects count on in their process, and what of it must not get out."""

from tests.acceptance.conftest import Command, Folder


def test_blocks_find_their_project(headrace: Command, mill: Folder) -> None:
    mill.write("utils/scale.py", "FACTOR = 7")
    mill.write("tool.py", "from mill.utils.scale import FACTOR; print(FACTOR)")
    mill.block(
        "sow",
        """
        import os, subprocess, sys
        script = os.path.join(os.environ["MAGE_REPO_PATH"], "tool.py")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, cwd="/")
        assert os.environ["MAGE_RUNTIME__REPO_PATH"] == kwargs["repo_path"]
        return [int(done.stdout)]
        """,
    )
    assert "Run 1 of grind completed" in headrace("run", "mill", "grind").out


def test_secrets_of_a_run_are_masked_in_what_its_blocks_say(headrace: Command, mill: Folder) -> None:
    mill.write(".env", "HEADRACE_HIDDEN=1\nAPI_TOKEN='to\"ken/1'")
    mill.block(
        "sow",
        """
        import json, os
        assert "HEADRACE_HIDDEN" not in os.environ
        print("spoke", kwargs["db_password"], json.dumps(os.environ["API_TOKEN"]), repr(os.environ["API_TOKEN"]))
        raise ValueError(kwargs["db_password"])
        """,
    )
    said = headrace("run", "mill", "grind", "--var", "db_password=hunter33xx", code=1)
    shown = headrace("runs", "show", 1).out + headrace("runs", "logs", 1).out + said.out + said.err
    assert "spoke ***" in shown
    for secret in ("hunter33xx", "ken/1"):
        assert secret not in shown
    failures = headrace("runs", "show", 1, "-o", "json").json["blocks"][0]["attempts"][0]["failure"]
    assert failures["message"] == "***"
