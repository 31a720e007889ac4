"""Models in the layout of the Hugging Face hub: written whole, fetched, published.

The files are those of any model's folder, with what a stranger needs beside them: a card and, for
regions of a tuned backbone, that backbone. `huggingface_hub` is asked only for
what is not on this machine, and never for code.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from regard.errors import CheckpointError
from regard.model.background import FILE as BACKGROUND
from regard.model.checkpoint import TOKENIZER, Checkpoint, resolve_model, save_checkpoint
from regard.model.labels import FILE as LABELS
from regard.model.pointer import FILE as POINTER
from regard.regions.pyramid import BACKBONE, SHIPPED, identity_of, tag_of

_PARTS = (BACKGROUND, POINTER, LABELS, BACKBONE, TOKENIZER)
_FILES = ("config.json", "model.safetensors", "vocab.json", *_PARTS)


def write_layout(checkpoint: Checkpoint, source: str, folder: Path) -> None:
    """Write a model with its card and backbone.

    Args:
        source: shipped name or folder the model came from; empty where there is none.
    """
    save_checkpoint(folder, checkpoint)
    beside = resolve_model(source) if source else None
    for backbone in ([beside / BACKBONE] if beside else []) + [SHIPPED]:
        if backbone.is_file() and identity_of(tag_of(backbone)) == checkpoint.extractor:
            if backbone.resolve() != (folder / BACKBONE).resolve():
                shutil.copyfile(backbone, folder / BACKBONE)
            break
    card = folder / "README.md"
    if card.exists():
        return
    if beside and (beside / "README.md").is_file():
        shutil.copyfile(beside / "README.md", card)
    else:
        card.write_text(_card(checkpoint), encoding="utf-8")


def _card(checkpoint: Checkpoint) -> str:
    """The least a card must say."""
    about = checkpoint.info.get("recipe", {}).get("about", "")
    rsum = checkpoint.info.get("validation", {}).get("rsum")
    figures = f"rSum {rsum:.1f} on its validation photos.\n" if rsum is not None else ""
    return (
        "---\nlibrary_name: regard\ntags: [image-text-matching, scan]\n---\n"
        f"# A Regard model\n\n{about}\n\n{figures}\n"
        'Load it with `regard.Model.from_pretrained("...")`. Say here what it was trained on, '
        "and under which licence its data are.\n"
    )


def fetch(name: str, **options: Any) -> Path:
    """Folder of a model on the hub, in its cache on this machine.

    Args:
        name: owner/name.
        options: revision, cache_dir, token, force_download or local_files_only.

    Raises:
        CheckpointError: the model cannot be had.
    """
    import huggingface_hub  # slow to import, and asked for only here

    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, allow_patterns=[*_FILES, "README.md"], **options
            )
        )
    except (OSError, ValueError) as error:  # the hub's own errors are both
        raise CheckpointError(
            f"model {name!r} cannot be had from the hub ({error}); it must be a folder, a shipped "
            "model's name or owner/name of a model there. Check the name and the connection."
        ) from None


def publish(folder: Path, name: str, *, private: bool | None, token: str | None, why: str) -> str:
    """Upload a model's folder; gives its address."""
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    name = api.create_repo(name, private=private, exist_ok=True).repo_id
    done = api.upload_folder(repo_id=name, folder_path=folder, commit_message=why)
    return str(done)


class Published(ABC):
    """What can be written in the hub's layout, and uploaded."""

    source: str

    @property
    @abstractmethod
    def checkpoint(self) -> Checkpoint:
        """What is kept of it on disk."""

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        private: bool | None = None,
        token: str | None = None,
    ) -> str | None:
        """Write the model in the hub's layout, as `PyTorchModelHubMixin` does.

        config.json, model.safetensors, vocab.json, README.md and whatever else it has. The folder
        is one that `regard.load` reads.

        With `push_to_hub` it is uploaded, under `repo_id` or the folder's name; gives the address.
        What the hub refuses is raised as `huggingface_hub` raises it.
        """
        folder = Path(save_directory)
        write_layout(self.checkpoint, self.source, folder)
        if not push_to_hub:
            return None
        why = "Upload a Regard model"
        return publish(folder, repo_id or folder.name, private=private, token=token, why=why)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Upload a Regard model",
        private: bool | None = None,
        token: str | None = None,
    ) -> str:
        """Upload the model to the Hugging Face hub; gives its address.

        What the hub refuses is raised as `huggingface_hub` raises it.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return publish(Path(folder), repo_id, private=private, token=token, why=commit_message)
