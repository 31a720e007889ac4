"""Backbones from the Hugging Face hub: what is here, and getting one when asked to.

Downloads go into the hub's own cache, go on where they were interrupted, and are verified. The
hub's client begins a file anew that was interrupted, so large files are fetched here. Knows files;
knows nothing of networks.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from regard.backbones.loading import (
    FAMILIES,
    TEXT,
    VOCABULARIES,
    WEIGHTS,
    check_kind,
    folder_of,
    keep_revision,
    revision_of,
)
from regard.backbones.settings import known, repository_of
from regard.errors import CheckpointError
from regard.regions.extractor import DETECTOR
from regard.store.manifest import lock
from regard.store.shards import digest

_DETECTORS = {DETECTOR: "unc-nlp/frcnn-vg-finetuned"}
_BESIDE = (
    *("config.json", "preprocessor_config.json", "tokenizer_config.json", "merges.txt"),
    *("special_tokens_map.json", "added_tokens.json", "README.md"),
    "config.yaml",
)


class Offer(NamedTuple):
    """What the hub has of a backbone."""

    repository: str
    revision: str
    """Commit."""
    files: dict[str, int]
    """Those that are needed, with their sizes in bytes."""
    digests: dict[str, str]
    """Sha256 of those of which the hub tells it."""
    licence: str
    """By its card; empty where that says nothing."""

    @property
    def megabytes(self) -> float:
        """Of all files."""
        return sum(self.files.values()) / 1e6


def names_here() -> list[str]:
    """Backbones on this machine: known ones by short name, then others in the hub's cache."""
    from huggingface_hub import CacheNotFound, scan_cache_dir

    try:
        held = sorted(repo.repo_id for repo in scan_cache_dir().repos if repo.repo_type == "model")
    except CacheNotFound:
        held = []
    short = {about.repository: name for name, about in known().items()}
    return sorted((short.get(name, name) for name in held if _is_here(name)), key=_known_first)


def _known_first(name: str) -> tuple[bool, str]:
    return name not in known(), name


def _is_here(repository: str) -> bool:
    """Whether a repository in the cache is a backbone with its weights."""
    try:
        tree = json.loads((folder_of(repository) / "config.json").read_text(encoding="utf-8"))
    except (CheckpointError, OSError, ValueError):
        return False
    return isinstance(tree, dict) and tree.get("model_type") in FAMILIES


def is_detector(name: str) -> bool:
    """Whether a name is one of a detector rather than of a backbone."""
    return name in _DETECTORS


def detector_here(name: str = DETECTOR) -> Path:
    """The weights of a detector, as `regard models get` got them.

    Raises:
        CheckpointError: it did not.
    """
    from huggingface_hub import try_to_load_from_cache

    repository = _DETECTORS[name]
    for weights in (WEIGHTS[0], WEIGHTS[2]):
        held = try_to_load_from_cache(repository, weights, revision=revision_of(repository))
        if isinstance(held, str):
            return Path(held)
    raise CheckpointError(
        f"weights of {name} are not on this machine; they must be downloaded once, and nothing is "
        f"without being asked. Run: regard models get {name}, or name a file with --weights."
    )


def ask_hub(name: str, revision: str | None = None) -> Offer:
    """What would be downloaded for a backbone, and under which licence.

    Raises:
        CheckpointError: the hub cannot be reached, has no such model, or it is none we can use.
    """
    from huggingface_hub import HfApi, hf_hub_download

    repository = _DETECTORS.get(name) or repository_of(name)
    try:
        about = HfApi().model_info(repository, revision=revision, files_metadata=True)
        if name not in _DETECTORS:
            config = hf_hub_download(repository, "config.json", revision=about.sha)
            tree = json.loads(Path(config).read_text(encoding="utf-8"))
            if tree.get("model_type") != TEXT:
                check_kind(tree, name)
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001 - the hub's client raises its HTTP library's, too
        raise CheckpointError(
            f"model {name!r} cannot be had from the hub ({error}); it must be a short name of "
            "`regard models` or owner/name of a model there. Check the name and the connection."
        ) from None
    card: Any = about.card_data
    sizes = {one.rfilename: int(one.size or 0) for one in about.siblings or ()}
    wanted = _needed(list(sizes), name)
    return Offer(
        repository,
        str(about.sha),
        {file: sizes[file] for file in wanted},
        {
            one.rfilename: one.lfs.sha256
            for one in about.siblings or ()
            if one.rfilename in wanted and one.lfs
        },
        str((card.get("license") if card else None) or ""),
    )


def _needed(files: Sequence[str], name: str) -> list[str]:
    """The files of a repository that are needed: weights in one form, words, settings.

    Raises:
        CheckpointError: there are no weights.
    """
    shards = [file for file in files if file.startswith("model-") and file.endswith(".safetensors")]
    forms = ([WEIGHTS[0]], [WEIGHTS[1], *shards], [WEIGHTS[2]])
    weights = next((form for form in forms if form[0] in files), None)
    if weights is None:
        raise CheckpointError(
            f"model {name!r} has none of {', '.join(WEIGHTS)} on the hub; it must have weights of "
            "transformers. Name another."
        )
    beside = {*_BESIDE, *VOCABULARIES, "vocab.txt"}
    return [file for file in files if file in beside or file in weights]


def download(offer: Offer) -> Path:
    """Get the files of an offer, as far as they are not here yet; gives their folder.

    Raises:
        CheckpointError: the download broke off, or what came is damaged.
    """
    from huggingface_hub import snapshot_download

    try:
        for name in offer.digests:
            _fetch(offer, name)
        folder = Path(
            snapshot_download(
                offer.repository, revision=offer.revision, allow_patterns=list(offer.files)
            )
        )
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        raise CheckpointError(
            f"download of {offer.repository} broke off ({error}); it must be whole. Run the same "
            "command again: it goes on where it was."
        ) from None
    verify(folder, offer)
    keep_revision(offer.repository, offer.revision)
    return folder


def _fetch(offer: Offer, name: str) -> None:
    """Have a large file in the hub's cache, under its digest; what came of it before is kept.

    Raises:
        CheckpointError: what came is damaged.
    """
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get, repo_folder_name
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    home = repo_folder_name(repo_id=offer.repository, repo_type="model")
    blob = Path(constants.HF_HUB_CACHE) / home / "blobs" / offer.digests[name]
    part = blob.with_name(f"{blob.name}.part")
    held = lock(blob.parent, f"{blob.name}.lock", wait=True)
    try:
        if blob.exists():
            return
        with part.open("ab") as file:
            http_get(
                hf_hub_url(offer.repository, name, revision=offer.revision),
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(),
                expected_size=offer.files[name],
                displayed_filename=name,
            )
        if digest(part) != offer.digests[name]:
            part.unlink()
            raise CheckpointError(
                f"{name} of {offer.repository} came with another sha256; it must be what the hub "
                "has. Run the same command again."
            )
        part.replace(blob)
    finally:
        held.release()


def verify(folder: Path, offer: Offer) -> None:
    """Refuse files that are not as long, or not the same, as the hub says.

    Raises:
        CheckpointError: one is not.
    """
    for name, size in offer.files.items():
        path = folder / name
        reason = "is missing"
        if path.is_file():
            held = path.stat().st_size
            reason = "" if held == size else f"has {held} bytes, and must have {size}"
        if not reason and name in offer.digests:
            reason = "" if digest(path) == offer.digests[name] else "has another sha256"
        if reason:
            raise CheckpointError(
                f"{path} {reason}; it must be what the hub has. Delete it, and run the same "
                "command again."
            )
