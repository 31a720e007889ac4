"""What `regard bench` measures is what it says; no test here looks at how long anything took."""

import json

import numpy as np
import pytest
import torch
from tests.torch_reach import run_without_torch
from typer.testing import CliRunner

from regard.bench import device_step, score, step
from regard.bench.loop import loop_over_captions
from regard.cli import bench as command
from regard.cli.main import app
from regard.core.attention import similarity
from regard.core.model_config import ModelConfig
from regard.core.scoring import Scoring

SMALL = score.Case(images=3, captions=4, regions=5, dim=32)
RUN = CliRunner()


@pytest.mark.parametrize("pooling", score.POOLINGS)
@pytest.mark.parametrize("direction", score.DIRECTIONS)
def test_the_loop_computes_the_models_similarity(direction, pooling):
    inputs, scoring = score.make_inputs(SMALL), Scoring(direction=direction, pooling=pooling)
    masks = np.ones((3, 5), bool), inputs.real_words()
    expected = similarity(inputs.regions, inputs.words, *masks, scoring)
    sides = map(torch.from_numpy, (inputs.regions, inputs.words))
    similarities = loop_over_captions(*sides, inputs.lengths.tolist(), scoring)
    np.testing.assert_allclose(similarities, expected, rtol=1e-4, atol=1e-5)


def test_score_has_its_keys_and_errs_little(monkeypatch):
    monkeypatch.setattr(score, "DEFAULT_CASE", SMALL)
    monkeypatch.setattr(
        command, "_measure", lambda _, threads: score.measure(threads, 1, score.DEFAULT_CASE)
    )
    tree = json.loads(RUN.invoke(app, ["bench", "score", "--json"]).stdout)
    assert {tree["chosen"], tree["other"]} == {"float32", "bfloat16"}
    for direction in ("t2i", "i2t"):
        assert {"ratio_to_loop", "ratio_to_best_product", "max_error"} <= tree[direction].keys()
        assert tree[direction]["max_error"] < 5e-3  # 32 numbers a vector: rounding weighs more


def test_without_torch_what_needs_it_is_left_out(monkeypatch):
    monkeypatch.setattr(score, "has_torch", lambda: False)
    tree = score.measure(1, 1, SMALL)
    for direction in ("t2i", "i2t"):
        assert "ratio_to_best_product" in tree[direction]
        assert not {"ratio_to_loop", "ratio_to_float64_loop"} & tree[direction].keys()


def test_scores_are_measured_without_torch_and_the_step_says_what_it_needs():
    script = (
        "from regard.bench import score\n"
        "score.measure(1, 1, score.Case(images=3, captions=4, regions=5, dim=32))\n"
        "from regard.cli.main import run\n"
        "sys.argv[1:] = ['bench', 'step']\n"
        "run()\n"
    )
    done = run_without_torch(script)
    assert done.returncode == 2, done.stderr
    assert "pip install 'regard[train]'" in done.stderr


def test_both_sides_of_the_step_start_from_the_same_loss():
    sides = [step._Stepper(side) for side in ("official", "float32")]
    losses = []
    for side in sides:
        side.batch = step.drawn_batch(6)
        loss = step._official_loss if side.official else _ours
        losses.append(loss(side.model, side.batch).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def _ours(model, batch):
    return step.batch_loss(model, batch, step.TrainConfig()).total


def test_the_parts_of_a_step_are_the_step(monkeypatch):
    """The staged step changes the weights as the whole one does."""
    steppers = [step._Stepper("float32") for _ in range(2)]
    for stepper in steppers:
        stepper.batch = step.drawn_batch(6)
    steppers[0].step()
    parts = steppers[1].parts()
    assert len(parts) == 6
    for one, other in zip(*(s.model.parameters() for s in steppers), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_steps_on_a_device_are_set_beside_the_processor_s(monkeypatch):
    tiny = ModelConfig(feature_dim=16, embed_dim=32, word_dim=8, scoring=Scoring(pooling="mean"))
    for on_processor in (None, lambda _: False):
        if on_processor:
            monkeypatch.setattr("regard.training.step.on_processor", on_processor)
        tree = device_step.measure("cpu", 1, pairs=6, model=tiny)
        for precision, most in (("float32", 1e-5), ("tf32", 1e-5), ("bfloat16", 0.5)):
            assert tree[precision]["loss_error"] <= most
            assert tree[precision]["gradient_error"] <= most
            assert tree[precision]["seconds"] > 0
        assert tree["float16"]["gradient_error"] <= 0.5
        assert tree["peak_bytes"] > 1e6
    assert torch.get_float32_matmul_precision() == "highest"


def test_only_the_step_is_measured_elsewhere():
    done = RUN.invoke(app, ["bench", "score", "--device", "cuda"])
    assert "it must be step to be measured on cuda" in str(done.exception)
