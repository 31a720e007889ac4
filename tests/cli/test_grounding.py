"""regard evaluate --grounding: the stable JSON, the table, and refusals."""

import json

from tests.cli.conftest import invoke


def grounding(world, *more):
    phrases = world.captions.with_name("phrases.jsonl")
    data = ("--data", world.captions, "--regions", world.regions, "--grounding", phrases)
    return invoke("evaluate", "--model", world.model, *data, *more)


def test_json_has_the_stable_keys(world):
    done = grounding(world, "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert {"pointing_accuracy", "box_recall@1", "phrases", "baselines"} <= set(tree)
    assert tree["phrases"] > 0
    assert set(tree["baselines"]) == {"random_region", "photo_centre", "best_region"}
    best = tree["baselines"]["best_region"]
    for way in tree["ways"].values():
        assert 0 <= way["box_recall@1"] <= best["box_recall@1"] <= 100
        assert 0 <= way["pointing_accuracy"] <= 100
    assert tree["pointing_accuracy"] == tree["ways"]["map"]["pointing_accuracy"]


def test_only_models_that_learned_to_point_have_a_second_map(world):
    ways = json.loads(grounding(world, "--json").stdout)["ways"]
    assert list(ways) == ["map", "most_attended", "most_similar"]


def test_table_for_people(world):
    done = grounding(world)
    assert done.exit_code == 0, done.output
    for name in ("map", "most attended", "photo centre"):
        assert name in done.stdout


def test_several_models_are_refused(world):
    done = grounding(world, "--model", world.model)
    assert "grounding judges one at a time" in str(done.exception)
