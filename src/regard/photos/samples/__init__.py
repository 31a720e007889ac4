"""Sample photos, in the public domain or under CC0, for the demonstration and the documentation.

What each shows, who took it and its licence: LICENSES.md beside them.
"""

import shutil
from pathlib import Path

FOLDER = Path(__file__).parent
SENTENCES = (
    "an astronaut smiles in front of a flag",
    "a cat looks at the camera",
    "a cup of coffee on a table",
    "a man in a black coat uses a camera on a tripod",
    "a rocket takes off",
    "a brick wall",
)


def copy_samples(folder: Path) -> list[Path]:
    """Copy the sample photos into a folder, where they are not there yet; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = []
    for source in sorted(FOLDER.glob("*.jpg")):
        copies.append(folder / source.name)
        if not copies[-1].exists():
            shutil.copyfile(source, copies[-1])
    return copies
