"""The pyramid: boxes, pooling equal to sampling every point, a network ready when needed."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tests.torch_reach import without_torch

from regard.errors import CheckpointError, ConfigError
from regard.photos.decode import Photo
from regard.regions import pyramid
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import SHIPPED, UNTUNED, network_size, pool_weights, pyramid_boxes


def photo(size=(120, 90)):
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return Photo(Image.fromarray(pixels), *size)


def test_boxes_lie_in_the_photo_and_cover_it():
    boxes = pyramid_boxes()
    assert boxes.shape == (36, 4)
    assert len(np.unique(boxes, axis=0)) == 36
    assert boxes.min() >= 0
    assert boxes.max() <= 1 + 1e-6
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    for level in (boxes[1:5], boxes[5:14], boxes[14:30]):  # every grid leaves no gap
        points = np.random.default_rng(0).random((200, 1, 2))
        inside = (points >= level[:, :2]) & (points <= level[:, 2:] + 1e-6)
        assert inside.all(2).any(1).all()


def sample(level, x, y):
    """Bilinear sample of a map at a place in 0..1; cell centres hold the values, edges repeat."""
    height, width = level.shape
    x = min(max(x * width - 0.5, 0), width - 1)
    y = min(max(y * height - 0.5, 0), height - 1)
    left, top = int(x), int(y)
    right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
    upper = level[top, left] * (1 - x + left) + level[top, right] * (x - left)
    lower = level[bottom, left] * (1 - x + left) + level[bottom, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


@pytest.mark.parametrize("size", [(7, 11), (1, 3), (20, 26)])
def test_pooling_equals_the_mean_of_49_bilinear_samples(size):
    level = np.random.default_rng(0).normal(size=size)
    pooled = pool_weights(*size) @ level.ravel()
    for box, value in zip(pyramid_boxes(), pooled, strict=True):
        steps = (np.arange(7) + 0.5) / 7
        points = [
            sample(level, box[0] + across * (box[2] - box[0]), box[1] + down * (box[3] - box[1]))
            for across in steps
            for down in steps
        ]
        assert value == pytest.approx(np.mean(points), abs=1e-5)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((500, 375), (416, 320)), ((375, 500), (320, 416)), ((10, 4000), (320, 1600))],
)
def test_network_size(size, expected):
    assert network_size(*size) == expected


def test_regions_of_a_photo():
    regions = load_extractor("pyramid")(photo()._replace(width=1200, height=900))
    assert regions.vectors.shape == (36, 2048)
    assert regions.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(regions.vectors, axis=1), np.sqrt(5), rtol=1e-4)
    np.testing.assert_allclose(regions.boxes[0], [0, 0, 1200, 900])


def test_unknown_extractor_is_named():
    for name in ("nothing", "pyramidal"):
        with pytest.raises(ConfigError, match=r"must be one of pyramid.*pyramid:FILE"):
            load_extractor(name)


def test_identity_is_that_of_the_file(tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(SHIPPED.read_bytes() + b"\n")
    names = ("pyramid", f"pyramid:{SHIPPED}", f"pyramid:{other}", "pyramid-imagenet")
    shipped, same, changed, untuned = (load_extractor(name).identity for name in names)
    assert shipped == same
    assert untuned == UNTUNED
    assert len({shipped, changed, untuned}) == 3


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_extractor(f"pyramid:{tmp_path / 'missing.onnx'}")


@pytest.mark.parametrize("contents", [b"", b"nothing", SHIPPED.read_bytes()[:1_000_000]])
def test_a_damaged_file_is_told(contents, tmp_path):
    (tmp_path / "cut.onnx").write_bytes(contents)
    extractor = load_extractor(f"pyramid:{tmp_path / 'cut.onnx'}")
    with pytest.raises(CheckpointError, match=r"cannot be used .* Restore the file"):
        extractor(photo())


def test_another_network_is_told(tmp_path):
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "other",
        [value("x", onnx.TensorProto.FLOAT, [1])],
        [value("y", onnx.TensorProto.FLOAT, [1])],
    )
    other = onnx.helper.make_model(
        graph, ir_version=10, opset_imports=[onnx.helper.make_opsetid("", 20)]
    )
    onnx.save(other, tmp_path / "other.onnx")
    with pytest.raises(CheckpointError, match=r"it asks for \['x'\]"):
        load_extractor(f"pyramid:{tmp_path / 'other.onnx'}")(photo())


def test_what_the_untuned_backbone_needs_is_named(monkeypatch):
    without_torch(monkeypatch, "regard.training")
    with pytest.raises(ConfigError, match=r"Run: pip install 'regard\[train\]'"):
        load_extractor("pyramid-imagenet")(photo())


def test_nothing_is_loaded_before_the_first_photo():
    """Neither torch nor onnxruntime; of these only the second at all."""
    script = (
        "import sys\n"
        "from regard.regions import pipeline\n"
        "from regard.regions.extractor import load_extractor\n"
        "load_extractor().identity\n"
        "load_extractor('pyramid-imagenet').identity\n"
        "assert not {'torch', 'onnxruntime', 'regard.training'} & set(sys.modules)\n"
        "import numpy as np\n"
        "from PIL import Image\n"
        "from regard.photos.decode import Photo\n"
        "load_extractor()(Photo(Image.new('RGB', (64, 64)), 64, 64))\n"
        "assert 'onnxruntime' in sys.modules\n"
        "assert not {'torch', 'onnx', 'scipy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_thread_does_a_photo():
    session = load_extractor()._session
    assert session.get_session_options().intra_op_num_threads == 1
    assert load_extractor().short_side == pyramid.SHORT_SIDE
