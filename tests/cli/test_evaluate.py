"""regard evaluate: the stable JSON, the table, ensembles and refusals."""

import json

import pytest
from torch_reach import needs_torch

from tests.cli.conftest import invoke

FIGURES = {"R@1", "R@5", "R@10", "median_rank", "mean_rank"}


def evaluate(world, *more):
    data = ("--data", world.captions, "--regions", world.regions)
    return invoke("evaluate", "--model", world.model, *data, *more)


def test_json_has_the_stable_keys_and_nothing_else_is_on_standard_output(world):
    done = evaluate(world, "--split", "val", "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    for side in ("image_to_text", "text_to_image"):
        assert set(tree[side]) == FIGURES
        assert 0 <= tree[side]["R@1"] <= tree[side]["R@5"] <= tree[side]["R@10"] <= 100
        assert set(tree["intervals"][side]) == {"R@1", "R@5", "R@10"}
        assert tree[side]["median_rank"] >= 1
    total = sum(
        tree[s][k] for s in ("image_to_text", "text_to_image") for k in tree["intervals"][s]
    )
    assert tree["rsum"] == pytest.approx(total)
    assert tree["captions"] == 2 * tree["images"] > 0
    assert "Scoring captions" in done.stderr


@needs_torch
def test_figures_on_val_are_those_of_training(world):
    tree = json.loads(evaluate(world, "--json").stdout)
    info = json.loads((world.model / "config.json").read_text())["info"]
    assert tree["rsum"] == pytest.approx(info["validation"]["rsum"])


def test_table_for_people(world):
    done = evaluate(world)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("rSum ")
    assert "image→text" in done.stdout
    assert "text→image" in done.stdout
    assert "95 %" in done.stderr


def test_ensemble_keeps_its_similarities_and_uses_them_again(world, tmp_path):
    more = ("--model", world.model, "--similarities", tmp_path / "kept", "--combine", "zscore")
    first = evaluate(world, *more, "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["models"] == 2
    assert len(list((tmp_path / "kept").iterdir())) == 1  # the same model twice
    assert evaluate(world, *more, "--json").stdout == first.stdout
    alone = json.loads(evaluate(world, "--json").stdout)
    assert json.loads(first.stdout)["rsum"] == alone["rsum"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--protocol", "1k"), "protocol 1k needs 1000"),
        (("--protocol", "2k"), "protocol is '2k'"),
        (("--ties", "lucky"), "ties is 'lucky'"),
        (("--combine", "max"), "combine is 'max'"),
        (("--split", "nowhere"), "no captions in split 'nowhere'"),
        (("--explained-by", "magic"), "way to explain is 'magic'"),
    ],
)
def test_what_cannot_be_done_is_said(world, more, message):
    done = evaluate(world, *more)
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert not done.stdout


def test_explanations_are_judged_way_by_way_and_of_several_models(world):
    done = evaluate(world, "--explanations", "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    (tree,) = json.loads(done.stdout)["judged"]
    assert (tree["model"], tree["way"]) == (str(world.model), "shares")
    assert tree["max_share_error"] < 1e-5
    assert tree["deletion"].keys() == tree["insertion"].keys() == {"0.1", "0.25", "0.5", "0.75"}
    assert tree["exchanged"]["told"] is None  # nobody fitted it to tell
    assert tree["pointing"] is None
    ways = ("--explained-by", "attention", "--explained-by", "cosines")
    phrases = ("--grounding", world.captions.with_name("phrases.jsonl"))
    more = ("--model", world.model, "--explanations", "--pairs", 3, *ways, *phrases)
    judged = json.loads(evaluate(world, *more, "--json").stdout)["judged"]
    assert [(one["way"], one["pairs"]) for one in judged] == [("attention", 3), ("cosines", 3)] * 2
    assert judged[0]["pointing"]["phrases"] == judged[1]["pointing"]["phrases"] > 0
    shown = evaluate(world, *more).stdout
    for title in ("falls without 50%", "left with only 10%", "ms per photo", "pointing; box R@1"):
        assert title in shown
