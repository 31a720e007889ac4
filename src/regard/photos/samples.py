"""Sample photos that come in the wheels of scikit-image and scikit-learn.

Real photos that need no download, for the demonstration and the documentation.
"""

import importlib.util
import shutil
from pathlib import Path

from regard.errors import DataError

# name of the sample: (package, file inside it)
_SAMPLES = {
    "astronaut.png": ("skimage", "data/astronaut.png"),
    "brick-wall.png": ("skimage", "data/brick.png"),
    "camera.png": ("skimage", "data/camera.png"),
    "cat.png": ("skimage", "data/chelsea.png"),
    "clock.png": ("skimage", "data/clock_motion.png"),
    "coffee.png": ("skimage", "data/coffee.png"),
    "coins.png": ("skimage", "data/coins.png"),
    "flower.jpg": ("sklearn", "datasets/images/flower.jpg"),
    "galaxies.jpg": ("skimage", "data/hubble_deep_field.jpg"),
    "grass.png": ("skimage", "data/grass.png"),
    "moon.png": ("skimage", "data/moon.png"),
    "motorcycle.png": ("skimage", "data/motorcycle_left.png"),
    "rocket.jpg": ("skimage", "data/rocket.jpg"),
    "temple.jpg": ("sklearn", "datasets/images/china.jpg"),
}
SENTENCES = (
    "a woman in an orange suit smiles",
    "a cat looks at the camera",
    "a cup of coffee on a table",
    "a motorcycle",
    "a man in a black coat uses a camera on a tripod",
    "a building next to a tree",
)


def copy_samples(folder: Path) -> list[Path]:
    """Copy the sample photos into a folder.

    Raises:
        DataError: none of the packages that carry them is installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for name, (package, file) in _SAMPLES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            continue
        source = Path(spec.submodule_search_locations[0]) / file
        if source.is_file():
            target = folder / name
            if not target.exists():
                shutil.copyfile(source, target)
            copied.append(target)
    if not copied:
        raise DataError(
            "sample photos are missing; scikit-image or scikit-learn must be installed. "
            "Run: pip install 'regard[demo]', or name a folder of photos."
        )
    return copied
