"""How a Python block is run: which function, with what arguments, and what its tests say."""

from typing import Any

import pytest

GUARDED = """
if 'custom' not in globals():
    from mage_ai.data_preparation.decorators import custom

@custom
def load(*args, **kwargs):
    return {'a': 1}
"""


@pytest.mark.parametrize(
    "code",
    [
        GUARDED,
        "from mage_ai.data_preparation.decorators import custom\n\n@custom\ndef load(): return {'a': 1}",
        "import mage_ai.data_preparation.decorators as d\n\n@d.custom()\ndef load(): return {'a': 1}",
        "@custom\ndef load(): return {'a': 1}",
        "@custom('with', words=True)\ndef load(): return {'a': 1}",
        "@custom\nasync def load(*args): return {'a': 1}",
        "@custom\nasync def load(*args):\n    import asyncio\n    await asyncio.sleep(0)\n    return {'a': 1}",
        "def helper(): return 1\n\n@custom\ndef load(): return {'a': helper()}\n\n@custom\ndef other(): return 2",
        "@transformer\ndef no(): return 2\n@custom\ndef load(): return {'a': 1}".replace(
            "@transformer", "from mage_ai.data_preparation.decorators import transformer\n@transformer"
        ),
        "from functools import partial\nload = custom(partial(lambda a, b: {a: b}, 'a', 1))",
    ],
)
def test_the_first_function_with_the_decorator_of_the_type_runs(site: Any, code: str) -> None:
    outcome = site.run(code)
    assert site.value(outcome) == {"a": 1}
    assert outcome.finished.reason == "returned"


@pytest.mark.parametrize("kind", ["data_loader", "transformer", "data_exporter", "custom"])
def test_each_type_has_its_decorator(site: Any, kind: str) -> None:
    assert site.value(site.run(f"@{kind}\ndef run(): return '{kind}'", kind=kind)) == kind


def test_functions_decorated_in_other_files_are_not_the_block(site: Any) -> None:
    site.write("custom/other.py", GUARDED.replace("'a': 1", "'other': 1") + "\ndef helper(): return 5")
    outcome = site.run("from mill.custom.other import helper\n\n@custom\ndef load(): return helper()")
    assert site.value(outcome) == 5


def test_inputs_come_in_order_and_kwargs_only_where_they_are_taken(site: Any) -> None:
    one = site.run("@custom\ndef f(): return 1")
    none = site.run("@custom\ndef f(): return None")
    two = site.run("@custom\ndef f(): return 'x', {'y': 2}")
    outcome = site.run(
        "@custom\ndef f(a, b, *rest, **kwargs): return [a, b, *rest, kwargs['env'], sorted(kwargs)]",
        one,
        none,
        two,
        variables={"env": "prod", "configuration": {}},
    )
    assert site.value(outcome) == [1, None, ["x", {"y": 2}], "prod", ["configuration", "context", "env", "logger"]]
    assert site.value(site.run("@custom\ndef f(a): return a", one, variables={"env": "prod"})) == 1


def test_parameters_with_defaults_need_no_input(site: Any) -> None:
    assert site.value(site.run("@custom\ndef f(limit=10, **kwargs): return limit", variables={"limit": 3})) == 3


def test_outputs_of_upstream_blocks_are_names_of_the_code(site: Any) -> None:
    one = site.run("@custom\ndef f(): return 1")
    two = site.run("@custom\ndef f(): return 2")
    code = f"@custom\ndef f(*args): return [df_1, df_2, {two.finished.attempt}, 'df_3' in globals(), globals()['df_2']]"
    assert site.value(site.run(code, one, two)) == [1, 2, 2, False, 2]


def test_outputs_that_no_code_names_are_not_held(site: Any) -> None:
    one = site.run("@custom\ndef f(): return 1")
    code = "@custom\ndef f(given): return sorted(set(globals()) & {'d' + 'f_1', 'block' + '1'})"
    assert site.value(site.run(code, one)) == []


def test_objects_of_project_modules_travel(site: Any) -> None:
    site.write("utils/shapes.py", "class Box:\n    def __init__(self, size): self.size = size\n")
    box = site.run("from utils.shapes import Box\n@custom\ndef f(): return Box(3)")
    assert site.value(site.run("@custom\ndef f(box): return [box.size, type(box).__module__]", box)) == [
        3,
        "utils.shapes",
    ]


def test_preprocessers_run_first_with_the_same_inputs(site: Any) -> None:
    one = site.run("@custom\ndef f(): return {'n': 1}")
    code = """
        seen = []

        @preprocesser
        def before(data, **kwargs):
            seen.append(data['n'])
            return 'dropped'

        @custom
        def f(data): return seen
    """
    assert site.value(site.run(code, one)) == [1]


def test_changing_an_input_changes_it_for_nobody_else(full_site: Any) -> None:
    frame = full_site.run("import pandas as pd\n@custom\ndef f(): return pd.DataFrame({'a': [1, 2]})")
    change = "@custom\ndef f(df):\n    df['a'] = 0\n    df.loc[0, 'a'] = 9\n    return int(df['a'].sum())"
    assert full_site.value(full_site.run(change, frame)) == 9
    assert full_site.value(full_site.run("@custom\ndef f(df): return df['a'].tolist()", frame)) == [1, 2]


@pytest.mark.parametrize(
    ("function", "takes"),
    [
        ("def f(): ...", "0 arguments"),
        ("def f(a, b): ...", "2 arguments"),
        ("def f(a, b, *c): ...", "2 arguments or more"),
        ("def f(a, b, c=1): ...", "2 to 3 arguments"),
    ],
)
def test_a_wrong_number_of_parameters_is_told_before_the_call(site: Any, function: str, takes: str) -> None:
    one = site.run("@custom\ndef f(): return 1")
    finished = site.run(f"@custom\n{function}", one).finished
    assert (finished.status, finished.reason, finished.failure.type) == ("failed", "not_loaded", "WrongArguments")
    assert f"takes {takes}" in finished.failure.message and "give 1," in finished.failure.message


def test_a_file_without_a_decorated_function_says_what_it_needs(site: Any) -> None:
    finished = site.run("def f(): return 1", file="custom/plain.py").finished
    assert finished.reason == "not_loaded"
    assert "does not have any decorated functions" in finished.failure.message
    assert "custom/plain.py" in finished.failure.message and "@custom" in finished.failure.message


def test_type_hints_dataclasses_and_their_values_work(site: Any) -> None:
    code = """
        from __future__ import annotations
        import dataclasses, typing

        @dataclasses.dataclass
        class Part:
            size: int
            shared: typing.ClassVar[int] = 3

        @dataclasses.dataclass
        class Whole:
            parts: list[Part]

        @custom
        def f():
            assert len(dataclasses.fields(Part)) == 1
            assert typing.get_type_hints(Whole)['parts'] == list[Part]
            return Whole([Part(2)])
    """
    whole = site.run(code)
    assert site.value(site.run("@custom\ndef f(whole): return [part.size for part in whole.parts]", whole)) == [2]


def test_functions_travel_by_value(site: Any) -> None:
    made = site.run("import math\ndef twice(x): return math.floor(2 * x)\n@custom\ndef f(): return {'call': twice}")
    assert site.value(site.run("@custom\ndef f(given): return given['call'](2.6)", made)) == 5


def test_tests_get_the_outputs_as_they_were_kept(site: Any) -> None:
    code = """
        @custom
        def f(*args, **kwargs):
            return ('x', {1, 2})

        @test
        def takes_all(first, second, *args, **kwargs):
            assert first == 'x' and kwargs['env'] == 'prod'

        @test
        async def waits(*given):
            assert len(given) == 2
    """
    finished = site.run(code, variables={"env": "prod"}).finished
    assert (finished.status, [(test.name, test.passed) for test in finished.tests]) == (
        "completed",
        [("takes_all", True), ("waits", True)],
    )


def test_all_failed_tests_are_told(site: Any) -> None:
    code = """
        @custom
        def f(): return 1

        @test
        def is_two(output, *args):
            assert output == 2, 'output is not 2'

        @test
        def is_one(output):
            assert output == 1

        @test
        def is_three(output):
            assert output == 3
    """
    finished = site.run(code).finished
    assert (finished.status, finished.reason) == ("failed", "test_failed")
    assert [(test.name, test.passed, test.message) for test in finished.tests] == [
        ("is_two", False, "output is not 2"),
        ("is_one", True, ""),
        ("is_three", False, "assert output == 3"),
    ]
    assert finished.failure.message.startswith("Failed to pass tests for block ")
    assert (finished.failure.line, finished.failure.code) == (6, "assert output == 2, 'output is not 2'")
    assert finished.failure.traceback.count("AssertionError") == 2
    assert len(finished.outputs) == 1


def test_a_test_that_breaks_fails_the_block_at_once(site: Any) -> None:
    code = "@custom\ndef f(): return 1\n\n@test\ndef bad(x): x.y\n\n@test\ndef never(x): assert x"
    finished = site.run(code).finished
    assert (finished.reason, finished.failure.type) == ("test_failed", "AttributeError")
    assert [(test.name, test.passed) for test in finished.tests] == [("bad", False)]
    assert "in the test bad" in finished.failure.traceback


@pytest.mark.parametrize(
    ("returned", "test"),
    [
        ("[10, 20]", "def t(a, b): assert (a, b) == (10, 20)"),
        ("[10, 20]", "def t(first, *others, **kwargs): assert (first, others) == (10, (20,))"),
        ("[10, 20]", "def t(whole): assert whole == [10, 20]"),
        ("[42]", "def t(output, *args): assert output == 42"),
        ("[[1, 2]]", "def t(output, *args): assert output == [1, 2]"),
        ("[]", "def t(output, *args): assert output == []"),
    ],
)
def test_a_test_is_given_the_elements_of_a_list(site: Any, returned: str, test: str) -> None:
    finished = site.run(f"@custom\ndef f(): return {returned}\n\n@test\n{test}").finished
    assert (finished.status, finished.failure) == ("completed", None)


def test_tests_of_a_block_without_output_get_none(site: Any) -> None:
    code = "@custom\ndef f(): pass\n@test\ndef a(output, *args): assert output is None\n@test\ndef b(): pass"
    assert [test.passed for test in site.run(code).finished.tests] == [True, True]


def test_what_an_attempt_took_is_measured(site: Any) -> None:
    code = """
        import time

        @custom
        def f():
            end = time.process_time() + 0.05
            while time.process_time() < end: pass
            hole = bytearray(b'x') * 80_000_000

        @test
        def slow(*args):
            end = time.process_time() + 0.2
            while time.process_time() < end: pass
    """
    before = site.run("@custom\ndef f(): pass").finished
    finished = site.run(code).finished
    after = site.run("@custom\ndef f(): pass").finished
    assert 0.05 <= finished.seconds < finished.cpu_seconds + 10 and finished.seconds < finished.tests[0].seconds + 10
    assert finished.cpu_seconds >= 0.25
    assert finished.tests[0].seconds >= 0.2
    assert finished.peak_bytes > before.peak_bytes + 70_000_000
    assert after.peak_bytes < finished.peak_bytes - 70_000_000, "the peak of one attempt is not that of the next"
    assert before.ended_at <= finished.started_at <= finished.ended_at <= after.started_at


def test_a_large_output_is_profiled_after_the_answer(full_site: Any) -> None:
    code = "import pandas as pd\n@custom\ndef f(): return pd.DataFrame({'a': range(ROWS)})"
    small = full_site.run(code.replace("ROWS", "10"))
    assert small.order == ["Finished", "Ready"] and small.finished.outputs[0].profile["a"]["max"] == 9
    large = full_site.run(code.replace("ROWS", "200_000"))
    assert large.order == ["Finished", "Profiled", "Ready"] and large.finished.profiles_follow
    assert large.finished.outputs[0].profile is None
    assert large.profiled.outputs[0].profile["a"]["max"] == 199_999
