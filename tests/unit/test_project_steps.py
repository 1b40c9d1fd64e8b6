"""What a step of SQL reads and writes, what order that puts steps in, and what is refused, where."""

import pytest

from headrace import errors, project
from headrace.model.pipeline import Pipeline


def made(folder, blocks, **queries):
    """A project whose pipeline `p` has these lines of YAML as its blocks, and steps of these queries."""
    (folder / "pipelines/p").mkdir(parents=True)
    (folder / "transformers").mkdir()
    (folder / "pipelines/p/metadata.yaml").write_text("blocks:\n" + "".join(f"- {each}\n" for each in blocks))
    for name, query in queries.items():
        (folder / f"transformers/{name}.sql").write_text(query)
    return project.open(folder)


def step(name, configuration="", upstream="[]", **more):
    written = configuration or f"output_datasets: [{name}_rows]"
    return (
        f"{{uuid: {name}, type: transformer, language: sql, upstream_blocks: {upstream}, configuration: {{{written}}}}}"
    )


def read(folder, blocks, **queries) -> Pipeline:
    found = project.read(made(folder, blocks, **queries), "p")
    project.refuse_unsupported(found)
    return found


def test_a_step_reads_what_its_query_names_or_what_is_declared(tmp_path):
    blocks = [
        step("told", "output_datasets: [{name: a_rows, description: Told}], input_datasets: [x, {name: Y}, x]"),
        step("found"),
    ]
    found = read(
        tmp_path, blocks, told="select * from X", found="with w as (from orders) from w join Items using (id);"
    )
    told, seen = found.blocks
    assert (told.reads, told.writes) == (("x", "Y"), ("a_rows",))
    assert (seen.reads, seen.writes) == (("orders", "Items"), ("found_rows",))
    assert found.imports == ("deltalake", "duckdb")


def test_who_reads_what_another_writes_is_below_it_and_calls_it_by_its_name(tmp_path):
    blocks = [
        step("last", "output_datasets: [end]", "[first]"),
        step("first", "output_datasets: [Raw]"),
        step("middle", "output_datasets: [clean]"),
    ]
    found = read(tmp_path, blocks, last="from clean, raw", first="select 1 a", middle="select a from RAW, other")
    assert found.graph == {"last": ("first", "middle"), "first": (), "middle": ("first",)}
    assert {block.uuid: block.reads for block in found.blocks} == {
        "last": ("clean", "Raw"),
        "first": (),
        "middle": ("Raw", "other"),
    }


@pytest.mark.parametrize(
    ("configuration", "query", "said"),
    [
        ("output_datasets: [a, b]", "select 1", "output_datasets: a list is written; expected one dataset"),
        ("output_datasets: []", "select 1", "output_datasets: a list is written; expected one dataset"),
        ("output_datasets: a", "select 1", "output_datasets: 'a' is written; expected a list"),
        ("output_datasets: [a/b]", "select 1", "output_datasets[0]: 'a/b' cannot be the name of a dataset"),
        ("output_datasets: [{name: a.b}]", "select 1", "output_datasets[0].name: 'a.b' cannot be the name"),
        ("output_datasets: [{}]", "select 1", "output_datasets[0].name: nothing is written"),
        (f"output_datasets: [{'a' * 300}]", "select 1", "cannot be the name of a dataset"),
        ("output_datasets: [a], input_datasets: [7]", "select 1", "input_datasets[0]: 7 is written"),
        (
            "output_datasets: [a], write_mode: merge",
            "select 1",
            "write_mode: 'merge' is written; expected one of replace",
        ),
        ("output_datasets: [a], write_mode: upsert", "select 1", "row_unique_identifier: nothing is written"),
        ("output_datasets: [a], row_unique_identifier: [1]", "select 1", "row_unique_identifier: a list is written"),
        ("output_datasets: [a]", "select {{ x }} from b", "input_datasets: nothing is written; expected the datasets"),
        ("output_datasets: [a], template: maybe", "select 1", "template: 'maybe' is written; expected true or false"),
        ("output_datasets: [a]", "selec 1", 'transformers/s.sql line 1 column 1: syntax error at or near "selec"'),
        ("output_datasets: [a]", "select 'é',\n x from from y", "transformers/s.sql line 2 column 9: syntax error"),
        (
            "output_datasets: [a]",
            "select 1; select 2",
            "transformers/s.sql: one SELECT is expected; this is 2 statements",
        ),
        (
            "output_datasets: [a]",
            "with pg_views as (select 1)\nfrom pg_catalog.pg_views",
            "transformers/s.sql line 2 column 6: 'pg_catalog.pg_views' is not the name of a dataset",
        ),
        ("output_datasets: [a]", "-- nothing", "transformers/s.sql: one SELECT is expected; this is none"),
        ("output_datasets: [a]", "create table x as select 1", "one SELECT is expected; this is another statement"),
        ("output_datasets: [a]", "select 1 -- \0", "transformers/s.sql: it holds a NUL character"),
        (
            "output_datasets: [a]",
            f"select {'not ' * 900} true",
            "transformers/s.sql: it is nested too deeply to be read",
        ),
        (
            "output_datasets: [a]",
            f"with {', '.join(f'c{n} as (select 1)' for n in range(501))} select 1",
            "transformers/s.sql: it names more than 500 parts by WITH",
        ),
        ("output_datasets: [a]", f"select '{'x' * 2**18}'", "transformers/s.sql: it has 262153 bytes"),
        (
            "output_datasets: [a], input_datasets: [b]",
            "select *\nfrom b join c using (id)",
            "transformers/s.sql line 2 column 13: it reads c, which is none of its input_datasets: b",
        ),
    ],
)
def test_what_is_no_step_is_refused_by_its_place(tmp_path, configuration, query, said):
    with pytest.raises(errors.BadInput) as refused:
        read(tmp_path, [step("s", configuration)], s=query)
    assert said in str(refused.value)


def test_two_writers_and_cycles_are_refused_by_their_names(tmp_path):
    twice = [step("one", "output_datasets: [Rows]"), step("two", "output_datasets: [rows]")]
    with pytest.raises(errors.BadPipeline, match="'rows' is written by the block 'one' too") as refused:
        read(tmp_path / "twice", twice, one="select 1", two="select 2")
    assert "line 3: blocks[1].configuration.output_datasets" in str(refused.value)
    circle = [step("one"), step("two")]
    with pytest.raises(errors.BadPipeline, match="these blocks wait for each other: ") as refused:
        read(tmp_path / "circle", circle, one="from two_rows", two="from one_rows")
    assert "one reads two_rows, which two writes; two reads one_rows, which one writes" in str(refused.value)
    with pytest.raises(errors.BadPipeline, match="one → one; one reads One_Rows, which one writes"):
        read(tmp_path / "itself", [step("one", "output_datasets: [One_Rows]")], one="from one_rows")


def test_other_blocks_of_sql_are_read_and_not_run(tmp_path):
    found = made(tmp_path, [step("s", "data_provider: postgres")], s="create table {{ x }}")
    assert project.read(found, "p").blocks[0].writes == ()
    with pytest.raises(errors.Unsupported, match="the block s in sql"):
        project.refuse_unsupported(project.read(found, "p"))


def test_a_query_with_variables_says_what_it_reads(tmp_path):
    configuration = "output_datasets: [a], input_datasets: [b]"
    (block,) = read(tmp_path, [step("s", configuration)], s="select * from b where day = '{{ ds }}'").blocks
    assert block.reads == ("b",)


def test_where_there_are_no_variables_braces_are_text(tmp_path):
    (block,) = read(tmp_path, [step("s", "output_datasets: [a], template: false")], s="select '{{ x }}' from b").blocks
    assert block.reads == ("b",)


JOB = """\
input: {connector: file, plugin: csv, path: /rows.csv}
output: {plugin: %s, table_name: %s, path: /rows.db}
"""


def job(folder, configuration, plugin="dataset", table="moved", text=JOB):
    """A pipeline of one job, which writes that table."""
    entry = f"{{uuid: move, type: custom, language: yaml, configuration: {{job_type: transfer{configuration}}}}}"
    (folder / "custom").mkdir(parents=True)
    (folder / "custom/move.yaml").write_text(text % (plugin, table) if "%s" in text else text)
    return project.read(made(folder, [entry]), "p").blocks[0]


def test_what_a_job_writes_is_what_its_file_says(tmp_path):
    assert job(tmp_path / "a", "").writes == ("moved",)
    assert job(tmp_path / "b", ", output_datasets: [moved]").writes == ("moved",)
    assert job(tmp_path / "c", "", plugin="sqlite").writes == ()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"configuration": ", output_datasets: [declared]"}, "expected what its file says: moved"),
        (
            {"configuration": ", output_datasets: [moved]", "plugin": "sqlite"},
            "expected what its file says: no dataset",
        ),
        (
            {"table": "../../evil"},
            "move.yaml: the job.output.table_name is '../../evil'; expected the name of a dataset",
        ),
        ({"text": "input: [", "configuration": ", output_datasets: [moved]"}, "move.yaml: it is no YAML"),
        ({"text": "nothing"}, "move.yaml: the job is 'nothing'; expected an object"),
    ],
)
def test_a_job_whose_file_says_something_else_is_refused(tmp_path, more, said):
    with pytest.raises(errors.BadInput) as caught:
        job(tmp_path, **{"configuration": "", **more})
    assert said in str(caught.value)
