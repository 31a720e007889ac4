"""SCAN's own heads on frozen vectors of a pretrained backbone: residual, starting as the identity.

Knows recipes and backbones' sizes. The loss, the loop and the network are those of any training.
"""

from dataclasses import replace

import torch

from regard.backbones.loading import load_backbone
from regard.backbones.settings import Choice
from regard.backbones.states import identity_of_regions
from regard.core.network import MatchingModel, StateEncoder
from regard.datasets.dataset import Dataset
from regard.errors import ConfigError
from regard.training.config import Recipe


def stand_on(recipe: Recipe, backbone: str) -> Recipe:
    """A recipe for heads on a backbone, with the sizes that follow from it.

    Raises:
        ConfigError: the recipe is none for heads.
        CheckpointError: the backbone is not on this machine.
    """
    if not recipe.model.backbone:
        raise ConfigError(
            f"the recipe trains on no pretrained backbone, and --backbone is {backbone!r}; it must "
            "be one for heads. Choose --recipe siglip2-flickr8k, siglip2-f30k, tipsv2-flickr8k or "
            "tipsv2-f30k."
        )
    choice = Choice.parse(backbone).placed()
    dim = load_backbone(choice).backbone.dim
    model = replace(
        recipe.model, backbone=str(choice), feature_dim=dim + 1, embed_dim=dim, state_dim=dim
    )
    return replace(recipe, model=model)


def check_heads(recipe: Recipe, *sets: Dataset) -> None:
    """Refuse what would not leave the backbone's vectors as they are, and others' regions.

    Raises:
        ConfigError: features are changed, or were made by something else.
    """
    training, backbone = recipe.training, recipe.model.backbone
    if training.feature_rank or training.standardize:
        raise ConfigError(
            f"training.feature_rank is {training.feature_rank} and training.standardize "
            f"{training.standardize}; on a backbone they must be 0 and false, for its regions are "
            "taken as they are. Correct the recipe or the --set option."
        )
    wanted = identity_of_regions(backbone)
    for producer in {dataset.producer for dataset in sets} - {wanted}:
        raise ConfigError(
            f"regions were made by {producer!r}; on the backbone {backbone} they must be made by "
            f"{wanted!r}. Extract with --extractor backbone:{backbone}."
        )


@torch.no_grad()
def begin_as_identity(model: MatchingModel) -> None:
    """Have a fresh network give regions and words as they come."""
    assert isinstance(model.words, StateEncoder)  # as ModelConfig requires
    for encoder in (model.regions, model.words):
        torch.nn.init.eye_(encoder.linear.weight)
        torch.nn.init.zeros_(encoder.linear.bias)
        if encoder.mlp is not None:
            last = encoder.mlp[-1]
            assert isinstance(last, torch.nn.Linear)
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
    torch.nn.init.zeros_(model.words.embed.weight)
