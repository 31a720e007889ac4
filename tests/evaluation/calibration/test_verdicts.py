"""Verdicts on queries whose truth is known."""

import numpy as np
import pytest

from regard.evaluation.calibration.verdicts import (
    Cases,
    draw_cases,
    fit_verdict,
    part,
    report,
    told,
)
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
    return scores, draw_cases(scores, list(own), spreads, np.full(QUERIES, 3))


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
    measured = report(fit_verdict([part(drawn, first)]), Calibration(1.0, 0.0), part(drawn, ~first))
    assert min(measured.accuracy[:3]) > 80
    assert max(measured.flat) < 65
    assert measured.accuracy[0] > measured.accuracy[-1]  # among many some wrong one stands out too
    assert measured.reliability.expected_calibration_error < 0.05
    assert measured.tree()["accuracy"][0]["among"] == 1


def test_a_part_has_the_cases_of_its_queries(cases):
    chosen = np.arange(QUERIES) == 7
    assert set(part(cases[1], chosen).query.tolist()) == {7}


def test_as_many_right_answers_are_there_as_by_chance():
    scores = np.arange(100.0)[None]  # the last twenty are right
    right, spreads = [np.arange(80, 100)], np.zeros((1, 2))
    drawn = draw_cases(scores, right, spreads, np.ones(1, int))
    assert drawn.among.max() == 80
    best = drawn.inputs[drawn.has_answer & (drawn.among == 30), 0]
    assert best[0] >= 85  # six of twenty
    assert drawn.inputs[~drawn.has_answer, 0].max() < 80
    unsure = draw_cases(scores, right, spreads, np.ones(1, int), [np.arange(40, 100)])
    assert unsure.inputs[~unsure.has_answer, 0].max() < 40


def test_queries_of_every_kind_count_alike(cases):
    _, drawn = cases
    few = part(drawn, np.arange(QUERIES) < 5)
    few = few._replace(inputs=few.inputs + np.array([1, 0, 0, 0, 0]))  # of which all are higher
    more = Cases(*(np.concatenate([values] * 9) for values in few))
    both, repeated, alone = (fit_verdict(kinds) for kinds in ([drawn, few], [drawn, more], [drawn]))
    assert np.array(both) == pytest.approx(np.array(repeated), abs=0.05)
    before, after = (told("few", curve, few) for curve in (alone, both))
    assert before.no_match < after.no_match
    assert after.queries == 5
