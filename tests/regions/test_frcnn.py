"""The Visual Genome Faster R-CNN: boxes by plain loops, published names, photos into a store."""

import hashlib
import json
import math
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.conftest import invoke
from tests.small import WORDS, random_checkpoint
from tests.torch_reach import without_torch

import regard
from regard.core.model_config import ModelConfig
from regard.errors import CheckpointError, ConfigError
from regard.model.checkpoint import save_checkpoint
from regard.photos.decode import Photo
from regard.regions.extractor import load_extractor
from regard.regions.frcnn.boxes import laid_out, moved, overlaps, pooled, thinned_out
from regard.regions.frcnn.extractor import FrcnnExtractor, network_size, prepared
from regard.regions.frcnn.network import FasterRcnn, Sizes
from regard.regions.frcnn.weights import filled, read_network, sizes_of
from regard.store.region_store import RegionStore
from regard.words.special import SPECIAL
from regard.words.vocabulary import Vocabulary

PUBLISHED = json.loads((Path(__file__).parents[1] / "golden/frcnn_vg_finetuned.json").read_text())
SMALL = Sizes((1, 2, 2, 1), 4, 2, 4, 6, 8, classes=5, attributes=3, name=4, attribute_hidden=6)


def made(sizes=SMALL, seed=0):
    """A network of random weights whose proposals are spread over the photo."""
    torch.manual_seed(seed)
    network = FasterRcnn(sizes).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.normal_(0, weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1)
            if name.endswith("norm.weight"):
                weight.abs_().add_(0.5)
        sides = 2.0 ** torch.linspace(4, 8, sizes.anchors)
        network.proposal_generator.anchor_generator.cell_anchors[0].copy_(
            torch.stack([-sides, -sides / 2, sides, sides / 2], 1)
        )
        network.proposal_generator.rpn_head.anchor_deltas.weight.mul_(0.01)
    return network


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights@here") / "pytorch_model.bin"
    torch.save(made().state_dict(), path)
    return path


def picture(path, size, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


# ---- boxes, one at a time


def overlap_of_two(a, b):
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / (areas - shared) if areas > shared else 0.0


def thinned_out_by_loops(boxes, scores, most_overlap, most):
    kept = []
    for place in sorted(range(len(boxes)), key=lambda place: -scores[place]):
        if all(overlap_of_two(boxes[place], boxes[other]) <= most_overlap for other in kept):
            kept.append(place)
    return kept[:most]


def pooled_by_loops(grid, box, side, scale):
    channels, rows, columns = grid.shape
    x1, y1, x2, y2 = (math.floor(edge * scale + 0.5) for edge in box)
    width, height = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
    found = np.zeros((channels, side, side), np.float32)
    for down in range(side):
        for across in range(side):
            ys = range(y1 + down * height // side, y1 + -(-(down + 1) * height // side))
            xs = range(x1 + across * width // side, x1 + -(-(across + 1) * width // side))
            cells = [grid[:, y, x] for y in ys if y < rows for x in xs if x < columns]
            if cells:
                found[:, down, across] = np.max(cells, 0)
    return found


def random_boxes(count, seed, size=60):
    corners = np.random.default_rng(seed).random((count, 2, 2)) * size
    return np.concatenate([corners.min(1), corners.max(1)], 1).astype(np.float32)


@pytest.mark.parametrize(("most_overlap", "most"), [(0.1, 99), (0.5, 99), (0.5, 3), (1.0, 99)])
def test_boxes_are_thinned_out_as_by_loops(most_overlap, most):
    boxes = random_boxes(40, 1)
    boxes[7] = boxes[3]  # the same box twice
    scores = np.random.default_rng(2).integers(0, 9, 40).astype(np.float32)  # ties, too
    kept = thinned_out(torch.tensor(boxes), torch.tensor(scores), most_overlap, most)
    assert kept.tolist() == thinned_out_by_loops(boxes, scores, most_overlap, most)


def test_nothing_is_thinned_out_of_nothing_and_boxes_without_area_overlap_nothing():
    assert len(thinned_out(torch.zeros(0, 4), torch.zeros(0), 0.5, 9)) == 0
    points = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 2, 2]])
    assert overlaps(points, points).sum() == 1


@pytest.mark.parametrize("side", [1, 3, 14])
def test_maps_are_pooled_as_by_loops(side):
    grid = np.random.default_rng(0).normal(size=(2, 7, 9)).astype(np.float32)
    edges = [[0, 0, 143, 111], [0, 0, 144, 112], [136, 104, 144, 112], [8, 8, 8, 8], [7, 7, 9, 9]]
    boxes = np.concatenate([random_boxes(20, 3, 110), np.float32(edges)])
    found = pooled(torch.tensor(grid), torch.tensor(boxes), side, 1 / 16)
    for one, box in zip(found.numpy(), boxes, strict=True):
        np.testing.assert_array_equal(one, pooled_by_loops(grid, box, side, 1 / 16))
    assert pooled(torch.tensor(grid), torch.zeros(0, 4), side, 1 / 16).shape == (0, 2, side, side)


def test_boxes_are_moved_in_units_of_their_sides():
    boxes = torch.tensor([[10.0, 20, 30, 60], [0, 0, 16, 16]])
    by = torch.tensor([[5.0, -1, 0, 5 * math.log(2)], [0, 0, 1e9, 1e9]])
    first, second = moved(boxes, by, (10, 10, 5, 5)).tolist()
    assert first == pytest.approx([20, -4, 40, 76])  # middle 20, 40 to 30, 36; sides 20, 80
    assert second == pytest.approx([-492, -492, 508, 508])  # a side of 16 grows to 1000 at most


def test_anchors_lie_around_every_cell_by_row_column_and_anchor():
    anchors = torch.tensor([[-1.0, -2, 1, 2], [0, 0, 5, 5]])
    found = laid_out(anchors, 2, 3, 16)
    assert len(found) == 12
    assert found[2].tolist() == [15, -2, 17, 2]  # second column, first anchor
    assert found[7].tolist() == [0, 16, 5, 21]  # second row, first column, second anchor


# ---- weights


def test_published_names_and_shapes_are_taken_and_no_other():
    state = {
        name: torch.empty(shape, device="meta") for name, shape in PUBLISHED["tensors"].items()
    }
    assert sizes_of(state) == Sizes()
    network = filled(state, "published")  # refuses missing and unknown names, and other shapes
    own = {name: list(one.shape) for name, one in network.state_dict().items()}
    assert own == PUBLISHED["tensors"]
    numbers = sum(math.prod(shape) for shape in own.values())
    held = 4 * numbers + 4 * sum(name.endswith("_tracked") for name in own)  # these have 8 bytes
    assert 0 < PUBLISHED["bytes"] - held < 400 * len(own)  # what a file says of each


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: s.pop("roi_heads.res5.0.conv2.weight"), r"res5.0.conv2.weight .* is missing"),
        (lambda s: s.update(more=torch.ones(1)), "weight more .* is not known"),
        (lambda s: s["backbone.stem.conv1.norm.bias"].fill_(math.nan), "is not finite"),
        (
            lambda s: s.update({"backbone.stem.conv1.norm.bias": torch.ones(9)}),
            r"of shape \(9,\); it must be finite numbers of shape \(4,\)",
        ),
        (lambda s: s.pop("roi_heads.box_predictor.attr_score.weight"), "have no .*attr_score"),
        (lambda s: [s.pop(name) for name in list(s) if "res3" in name], "have no '3'"),
    ],
)
def test_other_weights_are_refused_by_name(spoil, said):
    state = {name: one.clone() for name, one in made().state_dict().items()}
    spoil(state)
    with pytest.raises(CheckpointError, match=said):
        filled(state, "file")


def test_weights_come_from_a_file_or_folder_in_both_forms_and_are_not_executed(weights, tmp_path):
    from safetensors.torch import save_file

    state = made().state_dict()
    uncounted = {name: one for name, one in state.items() if not name.endswith("_tracked")}
    save_file(uncounted, tmp_path / "model.safetensors")
    for path in (weights, weights.parent, tmp_path):
        network, digest = read_network(path)
        assert len(digest) == 16
        for name, one in network.state_dict().items():
            torch.testing.assert_close(one, state[name])
    assert digest == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()[:16]
    torch.save({"made": time.localtime}, tmp_path / "evil.bin")
    torch.save([1], tmp_path / "list.bin")
    (tmp_path / "cut.bin").write_bytes(weights.read_bytes()[:-99])
    for name in ("evil.bin", "list.bin", "cut.bin", "none.bin"):
        with pytest.raises(
            CheckpointError, match=rf"{name}' cannot be read .* pytorch_model.bin of"
        ):
            read_network(tmp_path / name)


# ---- photos


def test_photos_are_prepared_as_published():
    assert network_size(640, 480) == (1067, 800)
    assert network_size(3000, 1000) == (1333, 444)
    assert network_size(500, 500) == (800, 800)
    assert network_size(1, 5000) == (32, 1333)  # a ribbon is squeezed, or nothing would be left
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[..., 0] = 200
    pixels = prepared(rgb)
    assert pixels.shape == (3, 800, 1200)
    means = [102.9801, 115.9465, 122.7717]
    assert pixels[:, 0, 0].tolist() == pytest.approx([-means[0], -means[1], 200 - means[2]])


def test_regions_have_features_boxes_and_both_labels(weights):
    extractor = FrcnnExtractor(weights)
    photo = Photo(Image.effect_noise((400, 20), 90).convert("RGB"), 800, 40)
    regions = extractor(photo)
    assert regions.vectors.shape == (36, extractor.feature_dim) == (36, SMALL.dim)
    assert (regions.scores[:-1] >= regions.scores[1:]).all()
    assert (regions.boxes >= 0).all()
    assert (regions.boxes <= [800, 40, 800, 40]).all()
    assert len(np.unique(regions.boxes, axis=0)) > 5
    assert (regions.labels.classes < [5, 5 + 3]).all()
    assert (regions.labels.classes[:, 1] >= 5).all()
    np.testing.assert_allclose(regions.labels.likely[:, 0], regions.scores, atol=1 / 255)


def test_a_region_is_what_its_box_holds(weights):
    """One region again, by the network's own parts and by loops."""
    network, _ = read_network(weights)
    pixels = torch.randn(3, 64, 96) * 60
    with torch.inference_mode():
        found = network(pixels, 4)
        cells = network.backbone(pixels[None])
        proposals = network.proposal_generator(cells, 96, 64)
        bins = [pooled_by_loops(cells[0].numpy(), box, 14, 1 / 16) for box in proposals.numpy()]
        features = network.roi_heads.res5(torch.tensor(np.stack(bins))).mean((2, 3))
        scores = network.roi_heads.box_predictor.cls_score(features).softmax(-1)[:, :-1]
    best = int(scores.max(-1).values.argmax())
    torch.testing.assert_close(found.features[0], features[best])
    assert int(found.classes[0]) == int(scores[best].argmax())
    assert float(found.class_scores[0]) == pytest.approx(float(scores.max()))


@pytest.mark.slow
def test_the_published_shape_gives_36_regions_of_2048_numbers():
    pixels = torch.randn(3, 64, 64) * 60
    with torch.inference_mode():
        found = made(Sizes())(pixels, 36)
    assert found.features.shape == (36, 2048)
    assert found.features.isfinite().all()
    assert int(found.attributes.max()) < 400


# ---- the command


@pytest.fixture
def photos(tmp_path):
    for number, size in enumerate([(400, 10), (10, 400), (300, 9)]):  # few cells
        picture(tmp_path / f"photos/{number}.png", size, number)
    (tmp_path / "photos/bad.jpg").write_bytes(b"no photo")
    return tmp_path / "photos"


def extract(photos, weights, *more):
    store = photos.parent / "store"
    name = ("--detector", "vg-frcnn", "--weights", weights)
    return invoke("extract", photos, *name, "--out", store, "--json", *more), store


def test_raw_photos_come_into_a_store_that_is_judged_and_gone_on_with(photos, weights):
    done, store = extract(photos, weights)
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert (tree["extracted"], list(tree["skipped"])) == (3, ["bad.jpg"])
    assert "bad.jpg" in done.stderr
    picture(photos / "new.png", (400, 11), 9)
    again = json.loads(extract(photos, weights, "--device", "cpu")[0].stdout)
    assert (again["extracted"], again["already"]) == (1, 3)
    with RegionStore(store) as held:
        regions = held["0.png"]
        assert regions.vectors.shape == (36, SMALL.dim)
        assert regions.size == (400, 10)
        assert regions.labels.classes.shape == (36, 2)
    other = photos.parent / "other.bin"
    torch.save(made(seed=1).state_dict(), other)
    assert "vg-frcnn-1/" in str(extract(photos, other)[0].exception)  # other weights, other store


def test_a_model_on_these_regions_is_judged_and_reads_photos_with_the_weights_beside_it(
    photos, weights
):
    _, store = extract(photos, weights)
    (photos.parent / "d.csv").write_text("file,caption\n0.png,a dog\n1.png,a cat\n2.png,a beach\n")
    with RegionStore(store) as held:
        identity = held.producer
    config = ModelConfig(feature_dim=SMALL.dim, embed_dim=8, word_dim=5)
    checkpoint = random_checkpoint(config, Vocabulary((*SPECIAL, *WORDS)), identity)
    model = photos.parent / "model"
    save_checkpoint(model, checkpoint)
    data = ("--data", photos.parent / "d.csv", "--regions", store, "--split", "all")
    done = invoke("evaluate", "--model", model, *data, "--json")
    assert json.loads(done.stdout)["images"] == 3, done.output
    index = ("index", photos, "--model", model, "--index", photos.parent / "index", "--json")
    assert "Put the backbone.onnx or vg-frcnn.bin" in str(invoke(*index).exception)
    shutil.copyfile(weights, model / "vg-frcnn.bin")
    done = invoke(*index)
    assert json.loads(done.stdout)["added"] == 3, done.output
    with regard.Index.open(photos.parent / "index") as held:
        assert len(held.search("a dog").hits[0].explain().boxes) == 36


def test_a_photo_that_cannot_be_extracted_is_skipped_and_named(photos, weights, monkeypatch):
    real = FrcnnExtractor.__call__

    def fails(self, photo):
        if photo.width < photo.height:
            raise RuntimeError("out of memory")
        return real(self, photo)

    monkeypatch.setattr(FrcnnExtractor, "__call__", fails)
    tree = json.loads(extract(photos, weights)[0].stdout)
    assert (tree["extracted"], sorted(tree["skipped"])) == (2, ["1.png", "bad.jpg"])
    assert "out of memory" in tree["skipped"]["1.png"]


def test_a_photo_without_a_proposal_says_so(weights, photos, monkeypatch):
    nothing = SMALL._replace(anchors=6)
    network = made(nothing)
    with torch.no_grad():
        network.proposal_generator.anchor_generator.cell_anchors[0].add_(1e6)
    torch.save(network.state_dict(), photos.parent / "far.bin")
    tree = json.loads(extract(photos, photos.parent / "far.bin")[0].stdout)
    assert "has no proposal of a region" in tree["skipped"]["0.png"]


def test_what_is_missing_is_said_in_one_line(photos, weights, monkeypatch):
    done, _ = extract(photos, photos.parent / "none.bin")
    assert "cannot be read" in str(done.exception)
    for more, said in (
        (("--detector", "yolo"), "it must be vg-frcnn"),
        (("--weights", weights), "they are of a detector"),
        (("--device", "tpu"), "it must be auto, cpu"),
    ):
        done = invoke("extract", photos, *more, "--out", photos.parent / "store")
        assert said in str(done.exception)
    monkeypatch.setattr("regard.device.usable_device", lambda name: name)  # a card is there
    done = invoke("extract", photos, "--device", "cuda", "--out", photos.parent / "store")
    assert "pyramid must have the processor" in str(done.exception)
    monkeypatch.undo()
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_, **__: None)
    done = invoke("extract", photos, "--detector", "vg-frcnn", "--out", photos.parent / "store")
    assert "regard models get vg-frcnn" in str(done.exception)
    without_torch(monkeypatch, "regard.regions.frcnn")
    with pytest.raises(ConfigError, match=r"torch cannot .* pip install 'regard\[train\]'"):
        load_extractor(f"vg-frcnn:{photos}/some.bin")
