"""Pictures are prepared as transformers' own processors do it, without torchvision."""

import importlib

import numpy as np
import pytest
from PIL import Image

from regard.backbones.pixels import Processing, read_processing
from regard.errors import CheckpointError

STEP = 1 / 255
SIZES = [(57, 91), (224, 224), (333, 120), (31, 500), (224, 230)]
MODES = ["RGB", "RGBA", "L", "LA", "CMYK", "P", "1"]
CLIP = Processing(
    side=64,
    resample=3,
    crop=True,
    mean=(0.48145466, 0.4578275, 0.40821073),
    deviation=(0.26862954, 0.26130258, 0.27577711),
)
SIGLIP = Processing(side=64, resample=2, mean=(0.5,) * 3, deviation=(0.5,) * 3)


def picture(mode, size):
    rng = np.random.default_rng(sum(size))
    coarse = Image.fromarray(rng.integers(0, 255, (9, 7, 4), dtype=np.uint8), "RGBA")
    return coarse.resize(size, Image.Resampling.BICUBIC).convert(mode)


def reference(name, **options):
    pytest.importorskip("transformers")
    module = importlib.import_module(f"transformers.models.{name}.image_processing_pil_{name}")
    kind = "CLIPImageProcessorPil" if name == "clip" else "SiglipImageProcessorPil"
    return getattr(module, kind)(**options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_clip_looks_as_its_processor_does(size, mode):
    processor = reference("clip", size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64})
    image = picture(mode, size)
    wanted = processor(image, return_tensors="np")["pixel_values"][0]
    mine = CLIP(image).pixels
    step = STEP / np.array(CLIP.deviation)[:, None, None]
    assert (abs(mine - wanted) <= step + 1e-6).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_siglip_looks_as_its_processor_does(size, mode):
    options = {"resample": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    processor = reference("siglip", size={"height": 64, "width": 64}, **options)
    image = picture(mode, size)
    wanted = processor(image, return_tensors="np")["pixel_values"][0]
    assert abs(SIGLIP(image).pixels - wanted).max() <= STEP / 0.5 + 1e-6


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", SIZES)
def test_tips_looks_by_bilinear_steps_between_0_and_1(size, mode):
    """Its own processor needs torchvision; Siglip's, told the same, is the reference."""
    options = {"resample": 2, "do_normalize": False}
    processor = reference("siglip", size={"height": 64, "width": 64}, **options)
    image = picture(mode, size)
    wanted = processor(image, return_tensors="np")["pixel_values"][0]
    assert abs(Processing(side=64)(image).pixels - wanted).max() <= STEP + 1e-6


def test_what_is_seen_of_a_photo_is_told():
    assert SIGLIP(picture("RGB", (80, 40))).frame == (0, 0, 1, 1)
    x1, y1, x2, y2 = CLIP(picture("RGB", (80, 40))).frame
    assert (x1, y1, x2, y2) == (0.25, 0, 0.75, 1)


def test_a_configuration_is_read_and_another_size_refused():
    tree = {"size": {"height": 64, "width": 64}, "resample": 2, "image_mean": [0, 0, 0]}
    read = read_processing(tree, 64, SIGLIP)
    assert (read.resample, read.mean) == (2, (0, 0, 0))
    assert read_processing({}, 32, CLIP).mean == CLIP.mean
    with pytest.raises(CheckpointError, match=r"64 pixels wide.*must be 32"):
        read_processing(tree, 32, SIGLIP)
