"""A backbone sees in the precision that is quickest here among those that leave its vectors."""

import copy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.backbones.tiny import SENTENCES  # noqa: E402

from regard.backbones import precision  # noqa: E402
from regard.backbones.extractor import BackboneExtractor  # noqa: E402
from regard.backbones.loading import load_backbone  # noqa: E402
from regard.backbones.precision import in_precision, quickest, times_of  # noqa: E402
from regard.backbones.settings import Choice  # noqa: E402
from regard.backbones.windows import boxes_of, inside  # noqa: E402
from regard.kernels import precision as kept  # noqa: E402
from regard.photos.decode import Photo  # noqa: E402

HERE = Path(__file__).parent / "miniatures"
FAMILIES = sorted(path.name for path in HERE.iterdir() if path.is_dir())


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def loaded(family):
    return load_backbone(Choice(str(HERE / family)))


@pytest.fixture
def windows(loaded):
    return inside(boxes_of("pyramid", loaded.backbone.cells), loaded.backbone.cells)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """What precisions take, in the place of a clock; counts the measurements."""
    seconds, asked = {"float32": 1.0, "bfloat16": 0.6, "int8": 0.4}, []

    def least(works, *_):
        asked.append(set(works))
        return {name: seconds[name] for name in works}

    monkeypatch.delenv(kept.VARIABLE, raising=False)
    monkeypatch.setattr(kept, "_path", lambda: tmp_path / "times.json")
    monkeypatch.setattr(precision, "least_times", least)
    return seconds, asked


def looks(backbone):
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(rng.integers(0, 255, (70, 90, 3), np.uint8)) for _ in range(2)]
    return np.stack([backbone.look(photo).pixels for photo in photos])


@pytest.mark.parametrize("name", ["bfloat16", "int8"])
def test_rougher_precisions_leave_vectors_nearly_as_they_are(loaded, windows, name):
    pixels = looks(loaded.backbone)
    exact = loaded.backbone.see(pixels, windows)
    rough = in_precision(loaded.backbone, name)(pixels, windows)
    for one, other in zip(rough, exact, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(one, axis=-1), 1, atol=1e-5)
        assert (one * other).sum(-1).min() > 0.97
        assert not np.array_equal(one, other)
    again = loaded.backbone.see(pixels, windows)
    np.testing.assert_array_equal(again.regions, exact.regions)


def test_the_quickest_that_agrees_is_taken_and_remembered(loaded, windows, measured, monkeypatch):
    seconds, asked = measured
    monkeypatch.setattr(precision, "AGREE", 0.9)
    assert quickest(loaded.backbone, loaded.digest, windows) == "int8"
    seconds["float32"] = 0.1
    assert quickest(loaded.backbone, loaded.digest, windows) == "int8"
    assert asked == [{"float32", "bfloat16", "int8"}]
    seconds.update(float32=1.0, bfloat16=0.97, int8=0.95)
    assert quickest(loaded.backbone, "others", windows) == "float32"  # not worth the rounding
    monkeypatch.setattr(precision, "AGREE", 1.1)
    assert set(times_of(loaded.backbone, "rough", windows)) == {"float32"}
    monkeypatch.setenv(kept.VARIABLE, "bfloat16")
    assert quickest(loaded.backbone, loaded.digest, windows) == "bfloat16"


def test_an_extractor_sees_in_it(measured, loaded, family, monkeypatch):
    monkeypatch.setattr(precision, "AGREE", 0.9)
    choice = Choice(str(HERE / family))
    extractor = BackboneExtractor(choice, loaded)
    photo = Photo(Image.new("RGB", (80, 60), "red"), 80, 60, None)
    rough = extractor(photo).vectors
    assert extractor.precision == "int8"
    monkeypatch.setenv(kept.VARIABLE, "float32")
    exact = BackboneExtractor(choice, loaded)(photo).vectors
    assert 0 < np.abs(rough - exact).max() < 0.2


def test_everything_is_computed_on_the_device_of_the_network(loaded, windows, monkeypatch):
    """On torch's device without numbers: what would mix it with the processor is refused there."""
    backbone = copy.deepcopy(loaded.backbone)
    network = backbone._network.to("meta")
    if hasattr(backbone, "_reader"):
        backbone._reader._network = network
    came = []

    def to_processor(tensor):
        came.append(tensor.device.type)
        return torch.ones(tensor.shape, dtype=tensor.dtype)

    monkeypatch.setattr(torch.Tensor, "cpu", to_processor)
    seen = backbone.see(looks(loaded.backbone), windows)
    assert seen.regions.shape == (2, 36, backbone.dim)
    assert set(came) == {"meta"}
    came.clear()
    mask = "transformers.masking_utils._ignore_bidirectional_mask_sdpa"  # asks for a mask's values
    monkeypatch.setattr(mask, lambda *_, **__: False)
    words = [text.lower().split() for text in SENTENCES]
    assert len(backbone.hear(words, SENTENCES)) == len(SENTENCES)
    assert set(came) == {"meta"}
