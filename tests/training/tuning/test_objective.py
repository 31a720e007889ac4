"""Tuning: the loss is what it says, weights that may not change do not, a run can be continued."""

import math

import pytest
import torch
from small import draw
from tests.one_device import OneDevice, without_values

from regard.core.attention import l2norm
from regard.core.model_config import ModelConfig
from regard.core.network import RegionEncoder
from regard.errors import ShapeError
from regard.training.tuning.backbone import load_backbone, pool_levels
from regard.training.tuning.objective import (
    Tail,
    Targets,
    TuneConfig,
    Tuner,
    embed,
    embed_dropped,
    features_of,
    tuning_loss,
)
from regard.training.tuning.photo_maps import PhotoMaps

CONFIG = TuneConfig(epochs=2, photos=2, units=2, learning_rate=3e-4, encoder_rate=1e-3)


@pytest.fixture(scope="module")
def network():
    return load_backbone()


@pytest.fixture(scope="module")
def maps(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    paths = [draw(folder / f"{n}.png", n, (44, 40)) for n in range(4)]
    return PhotoMaps(paths, network, folder / "maps", threads=1)


@pytest.fixture(scope="module")
def targets():
    vectors = torch.randn(8, 8, generator=torch.Generator().manual_seed(1))
    return Targets(l2norm(vectors, dim=-1), torch.arange(4).repeat_interleave(2))


def tuner(network, maps, targets, threads=1, device="cpu", **encoding):
    torch.manual_seed(0)
    encoder = RegionEncoder(ModelConfig(embed_dim=8, **encoding))
    return Tuner(network, encoder, maps, targets, CONFIG, threads, device=device)


def test_loss_counts_every_caption_and_photo(targets):
    """Against sums typed out: own captions one at a time against all of other photos."""
    photos = l2norm(torch.randn(2, 8, generator=torch.Generator().manual_seed(2)), dim=-1)
    memory = l2norm(torch.randn(4, 8, generator=torch.Generator().manual_seed(3)), dim=-1)
    rows = [3, 1]
    wanted = []
    for photo, row in zip(photos, rows, strict=True):
        for caption in (2 * row, 2 * row + 1):
            true = math.exp(photo @ targets.vectors[caption] / 0.1)
            captions = [c for c in range(8) if c // 2 != row]
            others = sum(math.exp(photo @ targets.vectors[c] / 0.1) for c in captions)
            rivals = [memory[r] @ targets.vectors[caption] for r in range(4) if r != row]
            rest = sum(math.exp(x / 0.1) for x in rivals)
            wanted.append(
                -math.log(true / (true + others)) / 2 - math.log(true / (true + rest)) / 2
            )
    loss = tuning_loss(photos, torch.tensor(rows), memory, targets, 0.1)
    assert loss.item() == pytest.approx(sum(wanted) / 4, rel=1e-5)


def test_tail_gives_the_backbone_s_maps(network, maps):
    unit = maps.unit([0, 1])
    with torch.inference_mode():
        features = features_of(Tail(network), unit)
        wanted = torch.cat([unit.levels, pool_levels(network.ending(unit.maps))], -1)
    assert features.shape == (2, 36, 2048)
    assert (features - wanted).abs().max() < 0.01  # bfloat16 products
    assert torch.nn.functional.cosine_similarity(features, wanted, dim=-1).min() > 0.999


def test_loss_falls_filters_stay_and_what_settles_is_the_mean_of_the_last_epochs(
    network, maps, targets
):
    tuned = tuner(network, maps, targets)
    before = {name: value.clone() for name, value in tuned.tail.state_dict().items()}
    ends, losses = [], []
    for number in (0, 1):
        losses.append(list(tuned.epoch(number))[-1][2])
        ends.append((tuned.tail.head.weight.clone(), tuned.encoder.linear.bias.clone()))
        tail, encoder = tuned.settled()
        heads, biases = (torch.stack(side).mean(0) for side in zip(*ends, strict=True))
        torch.testing.assert_close(tail.head.weight, heads)
        torch.testing.assert_close(encoder.linear.bias, biases)
    assert losses[1] < losses[0]
    for name, value in tuned.tail.state_dict().items():
        assert torch.equal(value, before[name]) == ("depthwise" in name), name
    whole = load_backbone()
    tuned.tail.into(whole)
    assert torch.equal(whole.head.weight, tuned.tail.head.weight)
    assert torch.equal(whole.blocks[-1].expand.weight, tuned.tail.blocks[-1].expand.weight)
    vectors = embed(tuned.settled(), maps)
    wanted = l2norm(encoder.eval()(features_of(tail, maps.unit([3]))).mean(1), dim=-1)
    torch.testing.assert_close(vectors[3], wanted[0], atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_threads_change_nothing_and_a_run_goes_on(network, maps, targets):
    dropping = {"region_mlp": True, "feature_dropout": 0.5}
    whole, parted = (tuner(network, maps, targets, threads, **dropping) for threads in (1, 2))
    list(whole.epoch(0))
    list(parted.epoch(0))
    resumed = tuner(network, maps, targets, **dropping)
    torch.manual_seed(7)  # what else is drawn in this process does not matter
    resumed.restore({name: value.clone() for name, value in parted.state().items()})
    list(whole.epoch(1))
    list(resumed.epoch(1))
    for name, value in whole.state().items():
        torch.testing.assert_close(resumed.state()[name], value, atol=1e-5, rtol=1e-4)


def test_an_epoch_stays_on_one_device(network, maps, targets, monkeypatch):
    without_values(monkeypatch)
    dropping = {"region_mlp": True, "feature_dropout": 0.5}
    with OneDevice() as watch:
        there = tuner(network, maps, targets, device="meta", **dropping)
        list(there.epoch(0))
        state = there.state()
        read_from_disk = {n: torch.zeros(x.shape) for n, x in state.items() if "past" in n}
        there.restore(state | read_from_disk)
        list(there.epoch(1))
        assert embed(there.settled(), maps).device.type == "meta"
    assert watch.far > 1000


def test_dropout_is_the_encoder_s_own_with_a_seed_of_its_own():
    encoder = RegionEncoder(ModelConfig(embed_dim=8, region_mlp=True, feature_dropout=0.25))
    features = torch.rand(2, 3, 2048)

    def found(seed):
        return embed_dropped(encoder, features, torch.Generator().manual_seed(seed))

    assert torch.equal(found(1), found(1))
    assert not torch.equal(found(1), found(2))
    encoder.mlp[0].p = 0.0
    torch.testing.assert_close(found(1), encoder.eval()(features))
    encoder.mlp = None
    torch.testing.assert_close(found(1), encoder(features))


def test_a_step_that_is_not_finite_changes_no_weight(network, maps, targets):
    tuned = tuner(network, maps, Targets(targets.vectors * torch.nan, targets.photo_of_caption))
    before = {name: value.clone() for name, value in tuned.encoder.state_dict().items()}
    with pytest.raises(ShapeError, match="loss of a step is nan"):
        list(tuned.epoch(0))
    for name, value in tuned.encoder.state_dict().items():
        assert torch.equal(value, before[name]), name
