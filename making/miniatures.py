"""Trains a miniature of each family of backbones from nothing, on drawn scenes.

Usage: python -m making.miniatures FOLDER [--family clip]. Needs `regard[train,backbones]`; one
thread. Each is written as the hub keeps its kind, in float16. It learns in three parts:

1. All but the last block of the tower that sees learns kind and colour of single shapes, from the
   patches in their boxes. Without this it never sees what kind a shape is: colours and grounds
   tell most captions of a batch apart.
2. The last block and the tower that reads learn from whole photos alone: captions, their phrases
   and words, by the loss of the family, and every word, whether a photo shows what it names.
3. All of it goes on with that, and every word learns besides whether any window of a photo shows
   what it names: each as regions and words of this family are made.
"""

import argparse
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tests.backbones import tiny
from tests.backbones.learned import is_seen
from tests.drawn_scenes import COLOURS, GROUNDS, KINDS, Scene, draw_scene
from torch import Tensor, nn

from regard.backbones import clip, siglip, tips
from regard.backbones.pixels import Processing, read_processing
from regard.backbones.windows import boxes_of, inside

FAMILIES = ("clip", "siglip", "tipsv2")
SIDE, PATCH = 64, 8  # pixels
SCENES, CAPTIONS = 4000, 8
BATCH, WARM, RATE = 64, 60, 2e-3
LAYERS = {"clip": 3, "siglip": 3, "tipsv2": 4}  # of the tower that sees
STEPS = (500, 600, 3000)  # of the three parts
_PHRASES, _WORDS = 0.25, 0.1  # of the texts; the rest are captions
WORDS = (*KINDS, *COLOURS, *GROUNDS)
WIDTH = 64
SHARPNESS = 20.0  # of cosines of words with windows
_SHAPE = {"hidden_size": WIDTH, "num_attention_heads": 4}
TEXT = {**_SHAPE, "intermediate_size": 192, "num_hidden_layers": 2, "max_position_embeddings": 32}


class Shown(NamedTuple):
    """What a network sees of scenes, and what is true of that."""

    pixels: Tensor
    """(scene, 3, side, side)"""
    parts: Tensor
    """How much each patch counts in the box of each shape, (shape, patch)."""
    owners: Tensor
    """The scene of each shape."""
    looks: Tensor
    """Kind and colour of each shape, by number, (shape, 2)."""
    words: Tensor
    """1 where a scene shows what a word names, (scene, word)."""


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
        wide = {"initializer_range": WIDTH**-0.5}  # the usual 0.02 is for towers of many numbers
        vision = {**seeing, **wide, "mlp_ratio": 3}
        text = {**TEXT, **wide}
        network = tiny.tips_network(len(tokenizer), SIDE, text, vision, temperature_init_value=0.07)
    return network, tokenizer


def look_of(family: str) -> Processing:
    """How photos are prepared for a miniature, by what is written beside its weights."""
    module = {"clip": clip, "siglip": siglip, "tipsv2": tips}[family]
    return read_processing(tiny.processing(family, SIDE) or {}, SIDE, module._DEFAULT)


def prepare(scenes: list[Scene], look: Processing) -> Shown:
    """What a network is taught of scenes that it sees so."""
    pixels, parts, owners, looks, words = [], [], [], [], []
    for number, scene in enumerate(scenes):
        seen = look(scene.image)
        pixels.append(seen.pixels)
        shapes = [shape for shape in scene.shapes if is_seen(shape, scene.image, seen.frame)]
        said = {scene.ground, *(word for one in shapes for word in (one.kind, one.colour))}
        words.append([float(word in said) for word in WORDS])
        corner, extent = np.array(seen.frame[:2] * 2), np.subtract(seen.frame[2:], seen.frame[:2])
        for one in shapes:
            box = (np.divide(one.box, scene.image.size * 2) - corner) / np.tile(extent, 2)
            parts.append(inside(box[None], SIDE // PATCH))
        owners += [number] * len(shapes)
        looks += [(KINDS.index(one.kind), list(COLOURS).index(one.colour)) for one in shapes]
    weights = torch.from_numpy(np.concatenate(parts)).float()
    return Shown(
        torch.from_numpy(np.stack(pixels)),
        weights / weights.sum(1, keepdim=True),
        torch.tensor(owners),
        torch.tensor(looks),
        torch.tensor(words),
    )


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


def begin(family: str, network: nn.Module, pixels: Tensor) -> None:
    """Let a tower that sees begin where little is to be learned: whitened patches, places as waves.

    An edge is then as large as a colour in what its layers get, and near patches are alike.
    """
    embeddings = network.vision_model.embeddings
    tips = family == "tipsv2"
    patches = embeddings.patch_embeddings.projection if tips else embeddings.patch_embedding
    cut = F.unfold(pixels[::8], PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)
    mean = cut.mean(0)
    values, vectors = torch.linalg.eigh((cut - mean).T @ (cut - mean) / len(cut))
    values, vectors = values.flip(0)[:WIDTH], vectors.flip(1)[:, :WIDTH]
    white = (vectors / (values + values[20] / 10).sqrt()).T
    white = torch.linalg.qr(torch.randn(WIDTH, WIDTH))[0] @ white
    waves = math.pi / 1.5 * 2 ** (-torch.arange(WIDTH // 4) / 4)
    along = torch.arange(SIDE // PATCH)[:, None] * waves
    line = torch.cat([along.sin(), along.cos()], 1)
    count = len(line)
    down, across = line[:, None].expand(-1, count, -1), line[None].expand(count, -1, -1)
    places = torch.cat([down, across], -1).flatten(0, 1)
    table = embeddings.position_embeddings[0] if tips else embeddings.position_embedding.weight
    with torch.no_grad():
        patches.weight.copy_(white.view_as(patches.weight))
        if patches.bias is not None:
            patches.bias.copy_(-white @ mean)
        table[-len(places) :] = places


def _blocks(family: str, network: nn.Module) -> nn.ModuleList:
    encoder = network.vision_model.encoder
    return encoder.layer if family == "tipsv2" else encoder.layers


def before_last(family: str, network: nn.Module, pixels: Tensor) -> Tensor:
    """States that the last block of the tower that sees is given, (photo, token, width)."""
    tower = network.vision_model
    states = tower.embeddings(pixels)
    if family == "clip":
        states = tower.pre_layrnorm(states)
    for block in _blocks(family, network)[:-1]:
        states = block(states, None)
    return states


def wholes(family: str, network: nn.Module, states: Tensor) -> list[Tensor]:
    """Unit vectors of whole photos, made of those states; TIPSv2 has two of each."""
    tower = network.vision_model
    states = _blocks(family, network)[-1](states, None)
    if family == "siglip":
        made = [tower.head(tower.post_layernorm(states))]
    elif family == "clip":
        made = [network.visual_projection(tower.post_layernorm(states[:, 0]))]
    else:
        made = list(tower.layernorm(states[:, :2]).unbind(1))
    return [F.normalize(one, dim=-1) for one in made]


def told_of_shapes(states: Tensor, head: nn.Module, shown: Shown, rows: Tensor) -> Tensor:
    """How badly the kind and the colour of shapes are told from the patches in their boxes."""
    patches = states[:, -shown.parts.shape[1] :]
    where = torch.full((len(shown.pixels),), -1)
    where[rows] = torch.arange(len(rows))
    which = (where[shown.owners] >= 0).nonzero()[:, 0]
    means = (shown.parts[which, None] @ patches[where[shown.owners[which]]])[:, 0]
    told = head(F.layer_norm(means, means.shape[1:])).split([len(KINDS), len(COLOURS)], 1)
    kinds, colours = shown.looks[which].T
    return F.cross_entropy(told[0], kinds) + F.cross_entropy(told[1], colours)


def loss_of(
    family: str, network: nn.Module, states: Tensor, texts: dict[str, Tensor], true: Tensor
) -> Tensor:
    """How badly photos and texts are told apart: one text is each photo's, then come the words.

    Args:
        states: of the photos, as the last block is given them.
        true: 1 where a photo shows what a word names, (photo, word).
    """
    inputs = texts if family == "tipsv2" else {"input_ids": texts["input_ids"]}
    read_as = F.normalize(network.get_text_features(**inputs).pooler_output, dim=-1)
    scale = 1 / network.temperature if family == "tipsv2" else network.logit_scale.exp()
    losses = []
    for seen in wholes(family, network, states):
        logits = seen @ read_as.T * scale
        captions, words = logits.split([len(states), len(WORDS)], 1)
        losses.append(_contrast(family, network, captions) + _told(words, true))
    return sum(losses) / len(losses)


def windows(family: str, network: nn.Module, states: Tensor) -> Tensor:
    """Unit vectors of the regions of photos, (photo, region, dim), of the last block's input."""
    tower, last = network.vision_model, _blocks(family, network)[-1]
    seen = inside(boxes_of("pyramid", SIDE // PATCH), SIDE // PATCH)
    if family == "siglip":
        made = siglip.pooled(
            tower.head, tower.post_layernorm(last(states, None)), torch.from_numpy(seen)
        )
    elif family == "clip":
        alone = clip.with_whole(seen, states.device)[1:]
        made = network.visual_projection(
            tower.post_layernorm(clip.class_token(last, states, alone))
        )
    else:
        values = tower.layernorm(tips.value_path(last, states))[:, -seen.shape[1] :]
        weights = torch.from_numpy(seen).float()
        made = (weights / weights.sum(1, keepdim=True)) @ F.normalize(values, dim=-1)
    return F.normalize(made, dim=-1)


def words_in(tokenizer: object, texts: list[str]) -> tuple[Tensor, Tensor, list[int]]:
    """Where words stand in texts: of each its text, its last piece, and which word it is."""
    found = []
    for text, spans in enumerate(tokenizer(texts, return_offsets_mapping=True)["offset_mapping"]):  # type: ignore[operator]
        for match in re.finditer(r"\w+", texts[text]):
            if match[0] in WORDS:
                ends = [place for place, (_, end) in enumerate(spans) if end == match.end()]
                found.append((text, ends[-1], WORDS.index(match[0])))
    rows, pieces, which = zip(*found, strict=True)
    return torch.tensor(rows), torch.tensor(pieces), list(which)


def words_of(
    family: str,
    network: nn.Module,
    tokenizer: object,
    scenes: list[Scene],
    rng: np.random.Generator,
) -> tuple[Tensor, list[int]]:
    """Unit vectors of words as a family reads them, and which they are.

    TIPSv2 reads them in their captions, the others each by itself.
    """
    if family != "tipsv2":
        pieces = read(tokenizer, list(WORDS), fill=family == "siglip")
        vectors = network.get_text_features(input_ids=pieces["input_ids"]).pooler_output
        return F.normalize(vectors, dim=-1), list(range(len(WORDS)))
    texts = [text_of(scene, rng).lower() for scene in scenes]
    rows, places, which = words_in(tokenizer, texts)
    states = network.get_text_features(**read(tokenizer, texts, fill=False)).last_hidden_state
    return F.normalize(states[rows, places], dim=-1), which


def told_by_windows(
    family: str, network: nn.Module, states: Tensor, words: Tensor, true: Tensor
) -> Tensor:
    """How badly photos are told by the window that is most like a word.

    Args:
        words: their unit vectors, (word, dim).
        true: 1 where a photo shows what a word names, (photo, word).
    """
    nearest = (windows(family, network, states) @ words.T).amax(1)
    return _told(nearest * SHARPNESS, true)


def _contrast(family: str, network: nn.Module, logits: Tensor) -> Tensor:
    """The family's own loss of photos and captions that belong together in order."""
    right = torch.arange(len(logits))
    if family == "siglip":
        signs = 2 * torch.eye(len(logits)) - 1
        return -F.logsigmoid(signs * (logits + network.logit_bias)).sum(1).mean()
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def _told(logits: Tensor, true: Tensor) -> Tensor:
    """How badly photos that show what a word names are told from those that do not."""
    middle = logits.mean(0, keepdim=True)
    return F.binary_cross_entropy_with_logits(logits - middle, true, reduction="none").sum(1).mean()


def fit(
    parameters: list[nn.Parameter],
    steps: int,
    rate: float,
    count: int,
    loss_of_rows: Callable[[Tensor], Tensor],
) -> None:
    """Lower a loss of some of `count` photos at a time."""
    optimizer = torch.optim.AdamW(parameters, rate, betas=(0.9, 0.98), weight_decay=0.05)
    began = time.process_time()
    for step in range(steps):
        falling = min((step + 1) / WARM, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate * falling
        loss = loss_of_rows(torch.randperm(count)[:BATCH])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 50 == 0 or step == steps - 1:
            took = time.process_time() - began
            print(f"step {step} loss {loss.item():.3f} {took:.0f} s", flush=True)


def train(
    family: str, scenes: list[Scene], steps: tuple[int, int, int] = STEPS, seed: int = 0
) -> tuple[nn.Module, object]:
    """A miniature that has learned from scenes.

    Args:
        steps: of the three parts.
    """
    torch.manual_seed(seed)
    network, tokenizer = build(family, [one.sentence for scene in scenes for one in scene.captions])
    shown = prepare(scenes, look_of(family))
    begin(family, network, shown.pixels)
    network.train()
    head = nn.Linear(WIDTH, len(KINDS) + len(COLOURS))

    def of_shapes(rows: Tensor) -> Tensor:
        return told_of_shapes(before_last(family, network, shown.pixels[rows]), head, shown, rows)

    count, everything = len(scenes), list(network.parameters())
    tower = [*network.vision_model.parameters(), *head.parameters()]
    fit(tower, steps[0], RATE, count, of_shapes)
    with torch.no_grad():
        parts = shown.pixels.split(BATCH)
        kept = torch.cat([before_last(family, network, part) for part in parts])
    rng = np.random.default_rng(seed)

    def of_captions(states: Tensor, rows: Tensor) -> Tensor:
        texts = [*(text_of(scenes[row], rng) for row in rows), *WORDS]
        pieces = read(tokenizer, texts, fill=family == "siglip")
        return loss_of(family, network, states, pieces, shown.words[rows])

    def of_the_last(rows: Tensor) -> Tensor:
        return of_captions(kept[rows], rows)

    def of_all(rows: Tensor) -> Tensor:
        states = before_last(family, network, shown.pixels[rows])
        words, which = words_of(family, network, tokenizer, [scenes[row] for row in rows], rng)
        true = shown.words[rows][:, which]
        told = told_by_windows(family, network, states, words, true) * len(WORDS) / len(which)
        return of_captions(states, rows) + told

    fit(everything, steps[1], RATE, count, of_the_last)
    fit(everything, steps[2], RATE, count, of_all)
    return network.eval(), tokenizer


def main() -> None:
    """Train those asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=FAMILIES)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    scenes = draw(range(SCENES), seed=1)
    for family in [asked.family] if asked.family else FAMILIES:
        network, tokenizer = train(family, scenes)
        folder = asked.folder / family
        folder.mkdir(parents=True, exist_ok=True)
        tiny.write(folder, family, network.half(), tokenizer, SIDE)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder}  {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
