"""Verdicts on queries whose truth is known."""

import numpy as np
import pytest

from regard.evaluation.calibration.verdicts import draw_cases, fit_verdict, part, report
from regard.model.judgement import Calibration

QUERIES, ANSWERS = 200, 120


@pytest.fixture
def cases():
    """Some queries are similar to everything; a right answer stands out from that by 1."""
    generator = np.random.default_rng(0)
    level = generator.normal(0, 3, QUERIES)
    scores = level[:, None] + generator.normal(0, 0.3, (QUERIES, ANSWERS))
    own = np.arange(QUERIES)[:, None] % ANSWERS
    scores[np.arange(QUERIES), own[:, 0]] += 1
    spreads = np.stack([level, np.full(QUERIES, 0.3)], 1)
    return scores, draw_cases(scores, list(own), spreads)


def test_each_set_is_looked_at_with_and_without_the_right_answer(cases):
    scores, drawn = cases
    assert sorted(set(drawn.among.tolist())) == [1, 3, 10, 30, 100, ANSWERS - 1]
    assert drawn.has_answer.mean() == 0.5
    single = (drawn.query == 5) & (drawn.among == 1)
    with_it, without = (
        drawn.inputs[single & drawn.has_answer],
        drawn.inputs[single & ~drawn.has_answer],
    )
    assert with_it[0, 0] == scores[5, 5]
    assert without[0, 0] in np.delete(scores[5], 5)
    all_of_them = (drawn.query == 5) & (drawn.among == ANSWERS - 1)
    assert drawn.inputs[all_of_them & ~drawn.has_answer][0, 0] == np.delete(scores[5], 5).max()


def test_a_background_finds_what_a_flat_cut_off_cannot(cases):
    _, drawn = cases
    first = np.arange(QUERIES) % 2 == 0
    measured = report(fit_verdict(part(drawn, first)), Calibration(1.0, 0.0), part(drawn, ~first))
    assert min(measured.accuracy[:3]) > 80
    assert max(measured.flat) < 65
    assert measured.accuracy[0] > measured.accuracy[-1]  # among many some wrong one stands out too
    assert measured.reliability.expected_calibration_error < 0.05
    assert measured.tree()["accuracy"][0]["among"] == 1


def test_a_part_has_the_cases_of_its_queries(cases):
    chosen = np.arange(QUERIES) == 7
    assert set(part(cases[1], chosen).query.tolist()) == {7}
