"""The worker as a process: its streams and log, and what makes it ask to be retired."""

import os
import re
import signal
from typing import Any

import pytest

from headrace import clock

EMPTY = "@custom\ndef f(): return 1"


def test_what_is_printed_goes_out_as_it_is(site: Any) -> None:
    code = """
        import os, sys

        @custom
        def f():
            print('plain é', end='')
            print(' and \\ud800 that is no text')
            sys.stderr.write('to stderr')
            os.system('echo from a child')
            print('without newline', end='')
    """
    outcome = site.run(code)
    assert outcome.out == "plain é and \\ud800 that is no text\nfrom a child\nwithout newline"
    assert outcome.err == "to stderr"


def test_lines_leave_while_the_block_runs(site: Any, tmp_path: Any) -> None:
    """The block waits until the test, which reads its stdout, has answered what it said there."""
    os.mkfifo(tmp_path / "answer")
    code = f"""
        @custom
        def f():
            print('are you there?')
            return open({str(tmp_path / "answer")!r}).read()
    """
    worker = site.fork()
    worker.begin(site.task(code))
    assert worker.read_line() == "are you there?\n"
    (tmp_path / "answer").write_text("yes")
    assert site.value(worker.finish()) == "yes"


def test_objects_of_a_block_go_with_it(site: Any) -> None:
    code = """
        class Cycle:
            def __init__(self): self.me = self
            def __del__(self): print('gone')

        held = Cycle()

        @custom
        def f(): return 1
    """
    assert site.run(code).out == "gone\n"


def test_standard_input_is_empty(site: Any) -> None:
    assert site.value(site.run("import sys\n@custom\ndef f(): return sys.stdin.read()")) == ""


def test_logging_is_framed_from_info_upwards(site: Any) -> None:
    code = """
        import logging
        logging.getLogger('mine').debug('unseen')
        logging.getLogger('mine').info('part %s', 1, extra={'tags': {'rows': 3}})

        @custom
        def f():
            try:
                1 / 0
            except ZeroDivisionError:
                logging.exception('it broke')
    """
    info, error = site.run(code).logged
    assert (info["level"], info["logger"], info["message"], info["tags"]) == ("INFO", "mine", "part 1", {"rows": 3})
    assert error["level"] == "ERROR" and error["message"].startswith("it broke\nTraceback")


def test_the_logger_argument_keeps_tags(site: Any) -> None:
    code = """
        @custom
        def f(*args, logger, **kwargs):
            logger.info('100 % of', rows=3, kind={'a': 1}, name='x', msg='y', level='z', message='m', self=1)
            logger.debug('unseen')
            logger.warning('%d left', 2)
            logger.critical('bad', error=ValueError('why'))
            try:
                [][0]
            except IndexError:
                logger.exception('caught')
            assert 'x' not in kwargs['context']
            kwargs['context']['x'] = 1
    """
    outcome = site.run(code)
    assert outcome.finished.status == "completed", outcome.finished
    first, second, third, fourth = outcome.logged
    assert first["message"] == "100 % of"
    named = {"name": "x", "msg": "y", "level": "z", "message": "m", "self": 1}
    assert first["tags"] == {"rows": 3, "kind": {"a": 1}, **named}
    assert (second["level"], second["message"]) == ("WARNING", "2 left")
    assert third["level"] == "CRITICAL" and "ValueError: why" in third["message"]
    assert "IndexError" in fourth["message"]
    assert site.run(code).finished.status == "completed", "the context is each block's own"


def test_warnings_are_printed_for_each_block(site: Any) -> None:
    code = "import warnings\n@custom\ndef f(): warnings.warn('look here')"
    for _ in range(2):
        assert "UserWarning: look here" in site.run(code).err


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import json\njson.dumps, json.loads = json.loads, json.dumps", "json.dumps, replaced; json.loads, replaced"),
        ("import textwrap\ntextwrap.TextWrapper.fill = None", "textwrap.TextWrapper.fill, replaced"),
        ("import threading\nt = threading.Thread(target=threading.Event().wait, daemon=True, name='idle')\nt.start()", r"running threads \(idle\)"),
        ("import subprocess\np = subprocess.Popen(['sleep', '3'])", "running child processes"),
        ("import os\n[os.open('/dev/null', 0) for _ in range(70)]", "70 open files"),
        ("import os\nos.close(1)", "its standard streams closed or replaced"),
        ("import string\nstring.held = bytearray(b'x') * (300 * 2**20)", "string.held, replaced; [23][0-9][0-9] MiB of memory"),
        ("import sortedcontainers", r"modules that were not imported before \(sortedcontainers\)"),
    ],
)  # fmt: skip
def test_what_is_left_behind_retires_the_worker_and_not_the_block(site: Any, code: str, reason: str) -> None:
    outcome = site.run(f"{code}\n{EMPTY}", file="custom/leaves.py")
    assert outcome.finished.status == "completed" or "json" in code
    assert re.fullmatch(re.escape("The block left behind ") + reason + re.escape("."), outcome.ready.retire)


@pytest.mark.parametrize(
    "code",
    [
        "import re, typing, enum\npattern = re.compile('x+')\nclass E(enum.Enum): A = 1",
        "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
        "import subprocess\nsubprocess.run(['true'])\np = subprocess.Popen(['true'])\np.stdout\nimport os; os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT)",
        "held = bytearray(b'x') * (300 * 2**20)",
        "import asyncio\nasyncio.run(asyncio.sleep(0))",
        "import concurrent.futures as c\nwith c.ThreadPoolExecutor(2) as pool: list(pool.map(abs, [1]))",
        "import multiprocessing as m\nwith m.get_context('fork').Pool(1) as pool: pool.map(abs, [1])",
        "import tempfile, mimetypes\nwith tempfile.TemporaryDirectory() as d: pass",
        "import logging.config, logging.handlers\nlogging.config.dictConfig({'version': 1})",
        "import urllib.request, http.client, ssl, sqlite3, csv, zoneinfo\nzoneinfo.ZoneInfo('UTC')",
    ],
)  # fmt: skip
def test_ordinary_blocks_do_not_retire_the_worker(site: Any, code: str) -> None:
    for _ in range(2):
        outcome = site.run(f"{code}\n{EMPTY}")
        assert outcome.finished.status == "completed", outcome.finished.failure
        assert outcome.ready.retire is None


def test_work_with_frames_retires_no_worker_once_the_template_has_learned(full_site: Any, make_forking: Any) -> None:
    code = """
        import io
        import duckdb, numpy as np, pandas as pd, polars as pl, pyarrow as pa

        @custom
        def f():
            df = pd.DataFrame({'a': [1, 2, None], 'b': ['x', 'y', 'z'], 't': pd.date_range('2020', periods=3, tz='UTC')})
            df.groupby('b').agg({'a': 'mean'}).reset_index().merge(df, on='b')
            pd.read_csv(io.StringIO(df.to_csv())), df.to_parquet(io.BytesIO()), df.describe(), str(df)
            pl.from_pandas(df).lazy().group_by('b').agg(pl.col('a').mean()).collect()
            duckdb.sql('select b, sum(a) from df group by b').df()
            np.random.default_rng(1).normal(size=3)
            return pa.Table.from_pandas(df), df
    """
    first = full_site.run(code)
    assert first.finished.status == "completed", first.finished.failure
    full_site.serve_from(make_forking("pandas", "polars", "duckdb", "numpy.random", *first.ready.imported))
    for _ in range(2):
        outcome = full_site.run(code)
        assert (outcome.finished.status, outcome.ready.retire) == ("completed", None)


def test_workers_forked_from_one_process_do_not_draw_the_same_numbers(full_site: Any) -> None:
    code = "import random, numpy\n@custom\ndef f(): return [random.random(), float(numpy.random.rand())]"
    drawn = [full_site.fork().run(full_site.task(code)) for _ in range(2)]
    drawn += [full_site.run(code), full_site.run(code)]
    values = [number for each in drawn for number in full_site.value(each)]
    assert len(set(values)) == len(values)


def test_a_task_follows_another(site: Any) -> None:
    worker = site.fork()
    outcomes = [worker.run(site.task(f"@custom\ndef f(): return {number}")) for number in range(20)]
    assert [site.value(outcome) for outcome in outcomes] == list(range(20))
    assert [outcome.ready.attempt for outcome in outcomes] == [outcome.finished.attempt for outcome in outcomes]


def test_an_attempt_that_is_given_twice_is_run_once(site: Any) -> None:
    worker = site.fork()
    task, other = site.task("print('begun')\n" + EMPTY), site.task("print('another')\n" + EMPTY)
    assert worker.run(task).out == "begun\n"
    worker.begin(task)
    outcome = worker.run(other)
    assert (outcome.finished.attempt, outcome.out) == (other.attempt, "another\n")


def test_no_block_begins_past_the_lease(site: Any) -> None:
    code = "print('begun')\n" + EMPTY
    late = site.run(code, until=clock.boottime())
    assert (late.finished.status, late.finished.reason, late.out) == ("failed", "lease_lapsed", "")
    assert late.ready.retire is None
    assert site.run(code, until=clock.boottime() + 600).finished.status == "completed"


def test_a_block_knows_its_attempt(site: Any) -> None:
    code = "@custom\ndef f(*args, context, **kwargs): return context['attempt']"
    outcome = site.run(code, run="r1", number=3, block="mill", attempt="a1")
    assert site.value(outcome) == {"uid": "a1", "number": 3, "run": "r1", "block": "mill"}


def test_a_worker_without_a_block_ends_when_it_is_asked_to(site: Any) -> None:
    worker = site.fork()
    pid = site.value(worker.run(site.task("import os\n@custom\ndef f(): return os.getpid()")))
    os.kill(pid, signal.SIGTERM)
    assert worker.is_gone()
