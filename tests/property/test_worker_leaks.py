"""Whatever one block leaves behind, the next does not see it: it was put back, or the worker was retired."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Site = Any


@dataclass(frozen=True)
class Leak:
    """What a block does, and what another would see of it. `mended`: it is put back, so the worker goes on."""

    does: str
    sees: str
    mended: bool = True


MENDED = [
    Leak("import os; os.environ['LEFT'] = '1'", "__import__('os').environ.get('LEFT')"),
    Leak("import os; del os.environ['PATH']", "__import__('os').getenv('PATH')"),
    Leak("import os; os.environ.clear()", "dict(__import__('os').environ)"),
    Leak("import os; os.chdir('/')", "__import__('os').getcwd()"),
    Leak("import os; os.umask(0o077)", "__import__('os').umask(0o022)"),
    Leak("import sys; sys.path.insert(0, '/left')", "'/left' in __import__('sys').path"),
    Leak("import sys; sys.path = ['/left']", "'/left' in __import__('sys').path"),
    Leak("import sys; sys.argv.append('left')", "'left' in __import__('sys').argv"),
    Leak("import sys; sys.meta_path.clear()", "len(__import__('sys').meta_path) > 2"),
    Leak("import sys; sys.stdout = open('/dev/null', 'w')", "__import__('sys').stdout.name"),
    Leak("import sys; sys.excepthook = print", "__import__('sys').excepthook is print"),
    Leak("import sys; sys.left = 1", "hasattr(__import__('sys'), 'left')"),
    Leak("import sys; sys.setrecursionlimit(3000)", "__import__('sys').getrecursionlimit()"),
    Leak("import sys; sys.setswitchinterval(1)", "__import__('sys').getswitchinterval()"),
    Leak("import sys; sys.settrace(lambda *a: None)", "__import__('sys').gettrace()"),
    Leak("import sys, types; sys.modules['left'] = types.ModuleType('left')", "'left' in __import__('sys').modules"),
    Leak("import sys, types; sys.modules['json'] = types.ModuleType('json')", "hasattr(__import__('json'), 'dumps')"),
    Leak("import sys, json; del sys.modules['json']", "'json' in __import__('sys').modules"),
    Leak("import sys; sys.modules['wave'] = None", "bool(__import__('wave'))"),
    Leak("import builtins; builtins.left = 1", "hasattr(__import__('builtins'), 'left')"),
    Leak("import builtins; builtins.aiter = None; del builtins.anext", "callable(aiter) and callable(anext)"),
    Leak("import builtins; builtins.print = None", "callable(print)"),
    Leak("import gc; gc.disable(); gc.set_threshold(1)", "[__import__('gc').isenabled(), __import__('gc').get_threshold()]"),
    Leak("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", "callable(__import__('signal').getsignal(15))"),
    Leak("import signal; signal.signal(signal.SIGUSR1, print)", "int(__import__('signal').getsignal(10))"),
    Leak("import signal; signal.pthread_sigmask(0, [15])", "len(__import__('signal').pthread_sigmask(0, []))"),
    Leak("import signal; signal.alarm(1000)", "__import__('signal').alarm(0)"),
    Leak("import socket; socket.setdefaulttimeout(1)", "__import__('socket').getdefaulttimeout()"),
    Leak("import locale; locale.setlocale(locale.LC_ALL, 'C')", "__import__('locale').setlocale(0)"),
    Leak("import resource; resource.setrlimit(7, (64, resource.getrlimit(7)[1]))", "__import__('resource').getrlimit(7)[0]"),
    Leak("import logging; logging.getLogger().setLevel(50)", "__import__('logging').root.level"),
    Leak("import logging; logging.disable(50)", "__import__('logging').root.manager.disable"),
    Leak("import logging; logging.basicConfig(force=True)", "[type(h).__name__ for h in __import__('logging').root.handlers]"),
    Leak("import logging; logging.root.handlers[0].setLevel(50)", "__import__('logging').root.handlers[0].level"),
    Leak("import logging; logging.root.handlers[0].addFilter(print)", "len(__import__('logging').root.handlers[0].filters)"),
    Leak("import logging; logging.getLogger('new').disabled = True", "__import__('logging').getLogger('new').disabled"),
    Leak("import logging; logging.captureWarnings(True)", "__import__('warnings').showwarning.__module__"),
    Leak("import warnings; warnings.simplefilter('error')", "__import__('warnings').filters[0][0]"),
    Leak("import warnings; warnings.showwarning = print", "__import__('warnings').showwarning is print"),
    Leak("import random; random.seed(1)", "(lambda r: r.random() == r.Random(1).random())(__import__('random'))"),
    Leak("import decimal; decimal.getcontext().prec = 3", "__import__('decimal').getcontext().prec"),
    Leak("import tempfile; tempfile.tempdir = '/left'", "__import__('tempfile').tempdir"),
    Leak("import utils.state; utils.state.value = 1", "__import__('utils.state').state.value"),
    Leak("import mill.utils.state as s; s.value = 1", "__import__('utils.state').state.value"),
    Leak("import contextvars; v = contextvars.ContextVar('left'); v.set(1)", "[c.name for c in __import__('contextvars').copy_context() if c.name == 'left']"),
    Leak("import pandas as pd; pd.set_option('display.max_rows', 3)", "__import__('pandas').get_option('display.max_rows')"),
    Leak("import pandas as pd; pd.options.mode.chained_assignment = None", "__import__('pandas').options.mode.chained_assignment"),
    Leak("import numpy as np; np.seterr(all='raise')", "__import__('numpy').geterr()['divide']"),
    Leak("import numpy as np; np.set_printoptions(precision=1)", "__import__('numpy').get_printoptions()['precision']"),
    Leak("import numpy as np; np.random.seed(1)", "(lambda r: r.rand() == r.RandomState(1).rand())(__import__('numpy').random)"),
    Leak("import polars as pl; pl.Config.set_tbl_rows(3)", "__import__('polars').Config.state().get('POLARS_FMT_MAX_ROWS')"),
    Leak("import polars as pl; pl.Config.set_fmt_float('full')", "__import__('polars').Config.state(env_only=False)['set_fmt_float']"),
]  # fmt: skip
RETIRED = [
    Leak("import os; os.getcwd = lambda: '/left'", "__import__('os').getcwd()", False),
    Leak("import os; os.environ = {}", "type(__import__('os').environ).__name__", False),
    Leak("import json; json.load = None", "callable(__import__('json').load)", False),
    Leak("import json; del json.load", "hasattr(__import__('json'), 'load')", False),
    Leak("import json; json.left = 1", "hasattr(__import__('json'), 'left')", False),
    Leak("import json.encoder as e; e.JSONEncoder.default = lambda *a: 'left'", "__import__('json').JSONEncoder().default.__name__", False),
    Leak("import colorsys; colorsys.rgb_to_hsv = print", "__import__('colorsys').rgb_to_hsv.__name__", False),
    Leak("import textwrap; textwrap.TextWrapper.left = 1", "hasattr(__import__('textwrap').TextWrapper, 'left')", False),
    Leak("import unittest.mock as m; m.patch('json.loads').start()", "type(__import__('json').loads).__name__", False),
    Leak("import datetime; datetime.datetime = None", "bool(__import__('datetime').datetime)", False),
    Leak("import pandas as pd; pd.read_csv = print", "__import__('pandas').read_csv.__name__", False),
    Leak("import pandas as pd; pd.DataFrame.left = lambda self: 1", "hasattr(__import__('pandas').DataFrame, 'left')", False),
    Leak("import pandas as pd; pd.DataFrame.__len__ = lambda self: 1", "len(__import__('pandas').DataFrame())", False),
    Leak("import pandas as pd; pd.core.generic.NDFrame.copy = None", "callable(__import__('pandas').Series.copy)", False),
    Leak("from pandas.core.groupby import DataFrameGroupBy as G; G.left = 1", "hasattr(__import__('pandas').core.groupby.DataFrameGroupBy, 'left')", False),
    Leak("import pandas as p; p.core.groupby.GroupBy.left = 1", "hasattr(__import__('pandas').core.groupby.GroupBy, 'left')", False),
    Leak("import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('left')\nclass A: ...", "hasattr(__import__('pandas').DataFrame, 'left')", False),
    Leak("import polars as pl\n@pl.api.register_expr_namespace('left')\nclass A: ...", "hasattr(__import__('polars').Expr, 'left')", False),
    Leak("import numpy as np; np.mean = np.array([1, 2])", "callable(__import__('numpy').mean)", False),
    Leak("import utils.state as s, json; s.patch(json)", "hasattr(__import__('json'), 'patched')", False),
    Leak("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "__import__('threading').active_count()", False),
    Leak("import _thread, threading; _thread.start_new_thread(threading.Event().wait, ())", "len(__import__('sys')._current_frames())", False),
    Leak("import subprocess; p = subprocess.Popen(['sleep', '3'])", "len(open('/proc/self/task/%d/children' % __import__('os').getpid()).read().split())", False),
    Leak("import os; [os.open('/dev/null', 0) for _ in range(80)]", "len(__import__('os').listdir('/proc/self/fd')) > 70", False),
    Leak("import os; os.dup2(os.open('/dev/null', 1), 1)", "__import__('os').readlink('/proc/self/fd/1')[:4]", False),
    Leak("import os; os.close(2)", "__import__('os').path.exists('/proc/self/fd/2')", False),
]  # fmt: skip
LEAKS = MENDED + RETIRED


@pytest.fixture(scope="module")
def site(full: Any, tmp_path_factory: Any, make_site: Any) -> Iterator[Site]:
    made = make_site(tmp_path_factory.mktemp("leaks"), full)
    made.write("utils/state.py", "value = 0\n\ndef patch(module):\n    module.patched = 1\n")
    yield made
    made.retire()


def seeing(leaks: list[Leak]) -> str:
    """A block that returns what it sees of those leaks, in words."""
    lines = "\n".join(f"    seen.append(repr({leak.sees}))" for leak in leaks)
    return f"@custom\ndef f():\n    seen = []\n{lines}\n    return seen"


@pytest.fixture(scope="module")
def untouched(site: Site) -> dict[Leak, str]:
    """What a block sees of each leak in a worker in which nothing has leaked."""
    site.retire()
    return dict(zip(LEAKS, site.value(site.run(seeing(LEAKS))), strict=True))


def leaking(leaks: list[Leak]) -> str:
    """A block that leaks them all, save those that an earlier one makes impossible."""
    tries = [f"try:\n{textwrap.indent(leak.does, '    ')}\nexcept Exception: pass" for leak in leaks]
    return "\n".join([*tries, "@custom", "def f(): return 1"])


def assert_unseen(site: Site, untouched: dict[Leak, str], leaks: list[Leak]) -> None:
    seen = site.value(site.run(seeing(leaks)))
    assert dict(zip(leaks, seen, strict=True)) == {leak: untouched[leak] for leak in leaks}


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.does)
def test_no_leak_reaches_the_next_block(site: Site, untouched: dict[Leak, str], leak: Leak) -> None:
    outcome = site.run(leaking([leak]))
    assert outcome.finished.status == "completed", outcome
    assert bool(outcome.ready.retire) != leak.mended, outcome.ready
    assert_unseen(site, untouched, [leak])


@settings(max_examples=30, deadline=None)
@given(leaks=st.lists(st.sampled_from(MENDED) | st.sampled_from(LEAKS), min_size=2, max_size=6, unique=True))
def test_no_leaks_together_reach_the_next_block(site: Site, untouched: dict[Leak, str], leaks: list[Leak]) -> None:
    site.run(leaking(leaks))
    assert_unseen(site, untouched, leaks)
