"""Trains a miniature of each family of backbones from nothing, on drawn scenes.

Usage: python -m making.miniatures FOLDER [--family clip] [--steps 1500]. Needs
`regard[train,backbones]`; one thread. Each is written as the hub keeps its kind, in float16. No
box is shown to them, nor are single patches: photos and texts are told apart in batches, by the
loss of the family, as the real ones were. Texts are captions, their phrases and single words.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tests.backbones import tiny
from tests.drawn_scenes import COLOURS, GROUNDS, KINDS, Scene, draw_scene
from torch import Tensor, nn

from regard.backbones.pixels import Processing

FAMILIES = ("clip", "siglip", "tipsv2")
SIDE = 64  # pixels; patches of 8
SCENES, CAPTIONS = 6000, 8
WARM, RATE = 60, 2e-3
BATCHES = {"clip": 128, "siglip": 128, "tipsv2": 192}
LAYERS = {"clip": 3, "siglip": 3, "tipsv2": 4}  # of the tower that sees
STEPS = {"clip": 500, "siglip": 2400, "tipsv2": 1500}
_PHRASES, _WORDS = 0.25, 0.1  # of the texts; the rest are captions
WORDS = (*KINDS, *COLOURS, *GROUNDS)
QUICK = 96  # photos at once of a TIPSv2 that learns in few steps
_SHAPE = {"hidden_size": 64, "num_attention_heads": 4}
TEXT = {**_SHAPE, "intermediate_size": 192, "num_hidden_layers": 2, "max_position_embeddings": 32}


def draw(numbers: range, seed: int) -> list[Scene]:
    """Scenes of a seed."""
    return [draw_scene(number, seed, CAPTIONS) for number in numbers]


def build(family: str, sentences: list[str]) -> tuple[nn.Module, object]:
    """A network of random weights and the tokenizer that reads these sentences."""
    seeing = {**_SHAPE, "num_hidden_layers": LAYERS[family]}
    if family == "clip":
        tokenizer = tiny.clip_tokenizer(sentences, 640)
        vision = {**seeing, "intermediate_size": 192}
        network = tiny.clip_network(len(tokenizer), SIDE, TEXT, vision)
    elif family == "siglip":
        tokenizer = tiny.gemma_tokenizer(sentences, 120)
        vision = {**seeing, "intermediate_size": 192}
        network = tiny.siglip_network(len(tokenizer), SIDE, TEXT, vision)
        with torch.no_grad():  # as they began, too
            network.logit_scale.fill_(math.log(10))
            network.logit_bias.fill_(-5)
    else:
        tokenizer = tiny.tips_tokenizer(sentences, 120)
        vision = {**seeing, "mlp_ratio": 3}
        network = tiny.tips_network(len(tokenizer), SIDE, TEXT, vision, temperature_init_value=0.07)
    return network, tokenizer


def pixels_of(family: str, scenes: list[Scene]) -> Tensor:
    """What the network sees of scenes."""
    mean, deviation = ((0.0,) * 3, (1.0,) * 3) if family == "tipsv2" else ((0.5,) * 3, (0.5,) * 3)
    look = Processing(side=SIDE, crop=family == "clip", mean=mean, deviation=deviation)
    return torch.from_numpy(np.stack([look(scene.image).pixels for scene in scenes]))


def text_of(scene: Scene, rng: np.random.Generator) -> str:
    """A caption of a scene, or a phrase or a word of one."""
    caption = scene.captions[rng.integers(len(scene.captions))]
    kind = rng.random()
    if kind < _PHRASES:
        return caption.phrases[rng.integers(len(caption.phrases))].text
    if kind < _PHRASES + _WORDS:
        shape = scene.shapes[rng.integers(len(scene.shapes))]
        return str(rng.choice([shape.kind, shape.colour, scene.ground]))
    return caption.sentence


def read(tokenizer: object, texts: list[str], *, fill: bool) -> dict[str, Tensor]:
    """Pieces of texts, and which are real."""
    length = TEXT["max_position_embeddings"]
    encoded = tokenizer(  # type: ignore[operator]
        [text.lower() for text in texts],
        padding="max_length" if fill else "longest",
        max_length=length,
        truncation=True,
        padding_side="right",
        return_attention_mask=True,
        return_tensors="pt",
    )
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


def centre(network: nn.Module) -> None:
    """Let a TIPSv2 begin as the others do, whose pixels lie around 0: its own are from 0 to 1."""
    patches = network.vision_model.embeddings.patch_embeddings.projection
    with torch.no_grad():
        patches.weight.mul_(2 / math.sqrt(patches.weight[0].numel()) / patches.weight.std())
        patches.bias.copy_(-patches.weight.sum((1, 2, 3)) / 2)


def shown_words(scenes: list[Scene]) -> Tensor:
    """Which of the words each scene shows."""
    shown = [
        {scene.ground, *(word for shape in scene.shapes for word in (shape.kind, shape.colour))}
        for scene in scenes
    ]
    return torch.tensor([[float(word in some) for word in WORDS] for some in shown])


def loss_of(
    family: str,
    network: nn.Module,
    photos: Tensor,
    texts: dict[str, Tensor],
    shown: Tensor | None = None,
) -> Tensor:
    """How badly photos and texts of a batch are told apart.

    Args:
        shown: which of the words, which then come last among texts, each photo shows; TIPSv2's.
    """
    inputs = texts if family == "tipsv2" else {"input_ids": texts["input_ids"]}
    read_as = F.normalize(network.get_text_features(**inputs).pooler_output, dim=-1)
    if family == "tipsv2":  # both class tokens learn
        states = network.vision_model(pixel_values=photos).last_hidden_state
        seen = [F.normalize(states[:, place], dim=-1) for place in (0, 1)]
        logits = [one @ read_as.T / network.temperature for one in seen]
        count = len(photos)
        losses = [_contrast(some[:, :count], torch.eye(count)) for some in logits]
        if shown is not None:
            losses += [_contrast(some[:, count:], shown) for some in logits]
        return sum(losses) / 2
    one = F.normalize(network.get_image_features(pixel_values=photos).pooler_output, dim=-1)
    logits = one @ read_as.T * network.logit_scale.exp()
    if family == "clip":
        return _contrast(logits, torch.eye(len(logits)))
    signs = 2 * torch.eye(len(logits)) - 1
    return -F.logsigmoid(signs * (logits + network.logit_bias)).sum(1).mean()


def _contrast(logits: Tensor, right: Tensor) -> Tensor:
    """Cross entropy both ways; where several are right, each counts alike."""
    both = [
        F.cross_entropy(rows, wanted / wanted.sum(1, keepdim=True).clamp_min(1))
        for rows, wanted in ((logits, right), (logits.T, right.T))
    ]
    return sum(both) / 2


def train(
    family: str, scenes: list[Scene], steps: int, seed: int = 0, *, quick: bool = False
) -> tuple[nn.Module, object]:
    """A miniature that has learned from scenes.

    Args:
        quick: let a TIPSv2 learn in few steps: it begins centred, and is told of every word
            whether a photo shows it. The committed one was not, and points better.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sentences = [caption.sentence for scene in scenes for caption in scene.captions]
    network, tokenizer = build(family, sentences)
    photos, shown, batch = pixels_of(family, scenes), None, BATCHES[family]
    if quick:
        centre(network)
        shown, batch = shown_words(scenes), QUICK
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.05)
    began = time.monotonic()
    network.train()
    for step in range(steps):
        rate = RATE * min((step + 1) / WARM, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        rows = rng.choice(len(scenes), min(batch, len(scenes)), replace=False)
        texts = [text_of(scenes[row], rng) for row in rows]
        texts += WORDS if quick else ()
        pieces = read(tokenizer, texts, fill=family == "siglip")
        told = None if shown is None else shown[rows]
        loss = loss_of(family, network, photos[rows], pieces, told)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            took = time.monotonic() - began
            print(f"{family} {step} loss {loss.item():.3f} {took:.0f} s", flush=True)
    return network.eval(), tokenizer


def main() -> None:
    """Train those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=FAMILIES)
    parser.add_argument("--steps", type=int, help="default: as the committed ones were trained")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    scenes = draw(range(SCENES), seed=1)
    for family in [asked.family] if asked.family else FAMILIES:
        network, tokenizer = train(family, scenes, asked.steps or STEPS[family])
        folder = asked.folder / family
        folder.mkdir(parents=True, exist_ok=True)
        tiny.write(folder, family, network.half(), tokenizer, SIDE)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}  {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
