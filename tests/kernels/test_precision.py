"""The precision that is chosen is the quicker one, remembered, and can be overruled."""

import itertools
import json
import statistics
import time

import numpy as np
import pytest
from tests.torch_reach import run_without_torch

from regard.errors import ConfigError
from regard.kernels import chosen, precision, similarity_matrix
from regard.kernels.precision import Way

EXACT, ROUGH, KERNEL = Way("float32", "numpy"), Way("bfloat16", "numpy"), Way("bfloat16", "kernel")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is known from before; kept below a folder that does not exist yet."""
    path = tmp_path / "new/precision.json"
    monkeypatch.setattr(precision, "_path", lambda: path)
    monkeypatch.delenv(precision.VARIABLE, raising=False)
    precision._times.cache_clear()
    yield path
    precision._times.cache_clear()


@pytest.fixture
def times(monkeypatch):
    """What ways take, in the place of a clock; counts the measurements."""
    seconds, measured = {EXACT: 1.0, ROUGH: 1.5, KERNEL: 0.4}, []

    def measure(works):
        measured.append(set(works))
        return {way: seconds[way] for way in works}

    monkeypatch.setattr(precision, "_works", lambda _, ways: dict.fromkeys(ways))
    monkeypatch.setattr(precision, "_measure", measure)
    monkeypatch.setattr(precision, "_torch_version", lambda **_: "")
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    return seconds, measured


def test_the_quicker_of_two_is_chosen(times):
    choice = chosen("scores")
    assert choice[:3] == ("bfloat16", "kernel", "float32")
    assert choice.ratio == pytest.approx(2.5)


@pytest.mark.parametrize("seconds", [0.97, 1.2, 1.4])
def test_bfloat16_must_be_worth_its_rounding(times, seconds):
    times[0][KERNEL] = seconds
    assert chosen("scores")[:3] == ("float32", "numpy", "bfloat16")
    assert chosen("scores", "bfloat16")[:3] == ("bfloat16", "kernel", "float32")


def test_without_instructions_for_it_bfloat16_is_widened(times, monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: False)
    assert chosen("search") == ("float32", "numpy", "bfloat16", 1.5)


def test_it_is_measured_once_for_every_stage(times, cache):
    for _ in range(2):
        for stage in ("scores", "search"):
            chosen(stage)
        precision._times.cache_clear()  # as in another process
    assert len(times[1]) == 2
    assert len(json.loads(cache.read_text())) == 2
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]


@pytest.mark.parametrize("kept", ["", "[]", '{"a": 1', '"x"', "ÿ"])
def test_what_cannot_be_read_is_measured_again(times, cache, kept):
    cache.parent.mkdir()
    cache.write_text(kept, encoding="latin-1")
    assert chosen("scores").precision == "bfloat16"
    assert json.loads(cache.read_text())


def test_another_machine_s_or_a_broken_entry_is_passed_over(times, cache, monkeypatch):
    chosen("scores")
    (key,) = json.loads(cache.read_text())
    cache.write_text(json.dumps({key: {"float32 numpy": "quick"}, "another": {}}))
    precision._times.cache_clear()
    chosen("scores")
    monkeypatch.setattr(precision, "processor", lambda: "another")
    precision._times.cache_clear()
    chosen("scores")
    assert len(times[1]) == 3


def test_a_folder_that_cannot_be_written_costs_a_measurement_only(times, cache):
    cache.parent.write_text("a file")
    assert chosen("scores").precision == "bfloat16"


def test_the_variable_overrules(times, monkeypatch):
    monkeypatch.setenv(precision.VARIABLE, "float32")
    assert chosen("scores")[:2] == ("float32", "numpy")
    monkeypatch.setenv(precision.VARIABLE, "bfloat16")
    assert chosen("search")[:2] == ("bfloat16", "kernel")
    monkeypatch.setenv(precision.VARIABLE, "int8")
    with pytest.raises(ConfigError, match="REGARD_PRECISION is 'int8'; it must be"):
        chosen("scores")


def test_every_choice_in_words(times):
    assert precision.described()[0] == (
        "scores",
        "bfloat16, products by kernel; float32 takes 2.50 times as long",
    )


def test_scores_in_the_chosen_precision_err_little():
    vectors = np.random.default_rng(0).standard_normal((2, 30, 20, 64)).astype(np.float32)
    regions, words = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    exact = similarity_matrix(regions, words, None, backend="fused")
    for asked in ("fast", "bfloat16"):
        rough = similarity_matrix(regions, words, None, backend="fused", precision=asked)
        assert np.abs(rough - exact).max() < 5e-3


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["scores", "search"])
def test_the_choice_is_hardly_slower_than_the_better(stage):
    """By the processor's time, median of nine turns; the measurement is the real one."""
    choice = chosen(stage)
    works = precision._works(stage, precision._ways(stage, ""))
    took = {way: [] for way in works}
    for turn, (way, work) in itertools.product(range(10), works.items()):
        began = time.process_time()
        work()
        if turn:
            took[way].append(time.process_time() - began)
    median = {way: statistics.median(seconds) for way, seconds in took.items()}
    assert median[Way(*choice[:2])] <= 1.1 * min(median.values())


def test_nothing_of_it_imports_torch():
    script = (
        "import numpy as np\n"
        "from regard import Scoring, attention, similarity_matrix\n"
        "from regard.kernels import chosen, precision\n"
        "sides = np.ones((2, 3, 64), np.float32), np.ones((2, 2, 64), np.float32)\n"
        "for backend in ('fused', 'plain', 'reference'):\n"
        "    for kept in ('float32', 'bfloat16', 'fast'):\n"
        "        out = similarity_matrix(*sides, None, backend=backend, precision=kept)\n"
        "        assert type(out) is np.ndarray\n"
        "assert type(attention(sides[0][0], sides[1][0]).weights) is np.ndarray\n"
        "precision.described()\n"
    )
    done = run_without_torch(script)
    assert done.returncode == 0, done.stderr
