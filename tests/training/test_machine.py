"""Steps and evaluation on a graphics card, as far as a machine without one can show it.

Everything is put on torch's `meta` device, whose tensors have shapes and no values; an operation
that mixes devices raises, and values are read back by one function alone, which gives ones here.
The same code then runs on the processor and gives the numbers of the processor's own step.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from making.label_classes import states_of
from tests.berts import save_bert
from tests.one_device import OneDevice, without_values
from tests.training.test_loop import COLOURS, Photos, recipe

from regard.device import pinned
from regard.errors import ConfigError, ShapeError
from regard.evaluation.similarity import dataset_similarity
from regard.model.labels import LabelClasses
from regard.model.model import Model
from regard.model.network import checkpoint_of
from regard.training import machine, step
from regard.training.batches import PairBatches
from regard.training.learner import Learner
from regard.training.machine import Machine
from regard.training.precision import products_in
from regard.training.ranks import ALONE
from regard.training.run import Run
from regard.training.text import read_by
from regard.words.vocabulary import Vocabulary


def learner(folder, name="official", *settings, **place):
    """A learner, a batch for it, and its vocabulary and classes."""
    settings = [setting.replace("BERT", str(folder / "bert")) for setting in settings]
    if "model.word_encoding=transformer" in settings:
        save_bert(folder / "bert")
    wanted, reading = read_by(recipe(name, "training.batch_size=12", *settings))
    classes = None
    if wanted.model.labels:
        classes = LabelClasses.of(COLOURS, np.eye(6, 12), np.zeros(6), states_of(COLOURS))
    photos = Photos(0)
    vocabulary = Vocabulary.build(photos.captions.sentences, 1)
    run = Run(folder, wanted)
    parts = {"classes": classes, "reading": reading, "machine": Machine(**place)}
    made = Learner(wanted, run, vocabulary, photos, **parts)
    batches = PairBatches(
        made.dataset, vocabulary, 12, captions_per_photo=2, states=made.states(photos, "train")
    )
    pairs = np.roll(batches.order(0, 0)[0], 1)  # so that parts of a batch share a photo
    pairs = pairs[place.get("ranks", ALONE).part(12)]
    return made, batches.batch(pairs), vocabulary, classes


READ = ("model.word_encoding=transformer", "model.text.name=BERT", "model.text.dropout=0")
CASES = [
    ("official",),
    ("official", "training.negatives=sum", "model.scoring.direction=i2t"),
    ("official", "model.scoring.scorer=sum_max", "model.bidirectional=false"),
    ("official", "model.scoring.scorer=hard", "model.scoring.lambda_lse=10"),
    ("sgr-f30k", "model.aspects=8"),
    ("saf-f30k", "model.aspects=8"),
    ("vsepp-f30k",),
    ("vsepp-f30k", "model.gpo=true"),
    ("vsepp-f30k", "model.gpo=true", *READ),
    ("official", "model.scoring.direction=i2t", "training.text_rate=0", *READ),
    ("flickr8k",),
    ("wide",),
    ("wide-i2t", "training.mask_same_photo=false", "training.triplet_weight=1.0"),
]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_steps_and_evaluation_stay_on_one_device(tmp_path, monkeypatch, case):
    without_values(monkeypatch)
    exact = "training.precision=float32"
    made, batch, vocabulary, classes = learner(tmp_path, *case, exact, device="meta")
    made.model.train()
    with OneDevice() as watch:
        for step in range(2):
            made.step(batch, 1e-3, warming_up=False)
            made.average(step)
    assert watch.far > 100
    parts = "test", {}, classes, made.tokenizer
    best = checkpoint_of(made.finished(), vocabulary, *parts)
    with OneDevice() as watch:
        scores = dataset_similarity(Model(best, device="meta"), Photos(3))
    assert watch.far > 50
    assert (scores == 1).all()


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_such_steps_are_the_processor_s_own(tmp_path, monkeypatch, case):
    exact = ("training.precision=float32", "model.feature_dropout=0", "model.dropout=0")
    exact += ("model.label_dropout=0",) if case[0].startswith("wide") else ()
    own, like_a_card = (learner(tmp_path / name, *case, *exact) for name in ("own", "card"))
    losses = []
    for made, batch, *_ in (own, like_a_card):
        losses.append([made.step(batch, 1e-3, warming_up=False) for _ in range(3)])
        monkeypatch.setattr(step, "on_processor", lambda _: False)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    for (name, one), other in zip(
        own[0].state().items(), like_a_card[0].state().values(), strict=True
    ):
        apart = (one.double() - other.double()).abs()
        assert (apart <= 2e-5 + 1e-4 * other.double().abs()).double().mean() > 0.999, name
        assert apart.max() <= 6e-3, (
            name
        )  # Adam takes three whole steps where a gradient is rounding


def test_a_batch_waits_in_pinned_memory_for_a_card_alone(tmp_path, monkeypatch):
    _, batch, *_ = learner(tmp_path)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self + 0)
    assert batch.moved(lambda part: pinned(part, "cpu")).features is batch.features
    waiting = batch.moved(lambda part: pinned(part, "cuda:1"))
    assert waiting.features is not batch.features
    assert waiting.lengths is batch.lengths


def test_float16_scales_the_loss_leaves_out_what_overflows_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(step, "on_processor", lambda _: False)
    settings = ("official", "training.precision=float16", "model.dropout=0")
    made, batch, *_ = learner(tmp_path / "a", *settings)
    made._scaler.load_state_dict(made._scaler.state_dict() | {"scale": 2.0**40})
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    made.step(batch, 1e-3, warming_up=False)  # its gradient overflows: nothing but the scale moves
    assert all((value == before[name]).all() for name, value in made.model.state_dict().items())
    assert made._scaler.get_scale() == 2.0**39
    made._scaler.load_state_dict(made._scaler.state_dict() | {"scale": 2.0**10})
    losses = [made.step(batch, 1e-2, warming_up=False) for _ in range(4)]
    assert losses[-1] < losses[0]
    resumed, *_ = learner(tmp_path / "b", *settings)
    resumed.restore({name: value.clone() for name, value in made.state().items()})
    assert resumed._scaler.get_scale() == 2.0**10
    again = [one.step(batch, 1e-2, warming_up=False) for one in (made, resumed)]
    assert again[0] == again[1]


def test_a_loss_that_is_never_finite_is_refused_whatever_its_scale(tmp_path, monkeypatch):
    monkeypatch.setattr(step, "on_processor", lambda _: False)
    made, batch, *_ = learner(tmp_path, "official", "training.precision=float16")
    spoiled = batch._replace(features=batch.features.float() * np.inf)
    with pytest.raises(ShapeError, match="finite"):
        made.step(spoiled, 1e-3, warming_up=False)


@pytest.mark.parametrize(
    ("precision", "has_bfloat16", "expected"),
    [
        ("float32", True, torch.float32),
        ("tf32", True, torch.float32),
        ("bfloat16", True, torch.bfloat16),
        ("bfloat16", False, torch.float16),
        ("fast", True, torch.bfloat16),
        ("fast", False, torch.float16),
        ("float16", True, torch.float16),
    ],
)
def test_products_of_a_card_are_of_the_type_it_has(monkeypatch, precision, has_bfloat16, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    assert products_in(precision, torch.device("cuda")) is expected


@pytest.mark.parametrize("precision", ["tf32", "float32"])
def test_tf32_is_taken_only_where_it_is_asked_for(tmp_path, monkeypatch, precision):
    without_values(monkeypatch)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", precision != "tf32")
    before = torch.get_float32_matmul_precision()
    learner(tmp_path, "official", f"training.precision={precision}", device="meta")
    wanted = precision == "tf32"
    assert torch.backends.cudnn.allow_tf32 is wanted
    assert torch.get_float32_matmul_precision() == ("high" if wanted else "highest")
    torch.set_float32_matmul_precision(before)


def test_the_processor_s_step_is_not_compiled(tmp_path):
    with pytest.raises(ConfigError, match="Leave --compile out"):
        learner(tmp_path, compiled=True)


def compiled_beside_plain(folder):
    """Losses of steps with encoders that torch compiled, and of plain ones; graphs there were."""
    step.on_processor = lambda _: False
    settings = ("wide", "training.precision=float32", "model.feature_dropout=0", "model.dropout=0")
    settings += ("model.label_dropout=0",)
    plain, batch, *_ = learner(folder / "plain", *settings)
    graphs, compiling = [], torch.compile

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch.compile = lambda call: compiling(call, backend=backend)
    machine.PROCESSOR = "none"
    compiled, *_ = learner(folder / "compiled", *settings, compiled=True)
    assert compiled.state().keys() == plain.state().keys()
    losses = [
        [one.step(batch, 1e-3, warming_up=False) for _ in range(2)] for one in (compiled, plain)
    ]
    return *losses, len(graphs)


@pytest.mark.slow
def test_compiled_encoders_make_the_same_steps(tmp_path):
    script = (
        "import json, pathlib, sys\n"
        "from tests.training.test_machine import compiled_beside_plain\n"
        "print(json.dumps(compiled_beside_plain(pathlib.Path(sys.argv[1]))))\n"
    )  # of its own, since what checks shapes in this process cannot be compiled
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    compiled, plain, graphs = json.loads(done.stdout)
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)
    assert graphs >= 2
