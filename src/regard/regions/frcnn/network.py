"""The network: ResNet to its fourth stage, proposals, the fifth stage on every region.

Modules are named so that the state dict is that of `unc-nlp/frcnn-vg-finetuned`. Knows tensors;
knows nothing of files or photos.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from regard.regions.frcnn.boxes import inside, laid_out, moved, pooled, thinned_out
from regard.shapes import Float, Int

STRIDE = 16  # pixels a cell of the map
_BIN_SIDE = 14  # bins of a region, each way
_PROPOSED, _PROPOSALS, _PROPOSAL_OVERLAP = 6000, 300, 0.7  # looked at, kept at most
_PROPOSAL_SCALES = (1.0, 1.0, 1.0, 1.0)
_SCALES = (10.0, 10.0, 5.0, 5.0)
_OVERLAPS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # the first that leaves enough regions is taken
_AT_ONCE = 50  # regions in the fifth stage, which takes 8 MB of memory each


class Sizes(NamedTuple):
    """Of the network; the defaults are the published one's."""

    blocks: tuple[int, ...] = (3, 4, 23, 3)
    """Of each stage."""
    stem: int = 64
    narrow: int = 64
    """Channels within a block of the first stage; each stage has twice as many."""
    wide: int = 256
    """Channels that leave the first stage; likewise."""
    anchors: int = 12
    hidden: int = 512
    """Channels of the proposal network."""
    classes: int = 1600
    attributes: int = 400
    name: int = 256
    """Numbers of a class's embedding."""
    attribute_hidden: int = 512

    @property
    def dim(self) -> int:
        """Numbers a region has."""
        return self.wide * 8


class Found(NamedTuple):
    """Regions of a photo, best first."""

    features: Float[Tensor, "region dim"]
    boxes: Float[Tensor, "region 4"]
    """In pixels of the network's input."""
    classes: Int[Tensor, " region"]
    class_scores: Float[Tensor, " region"]
    """Probabilities."""
    attributes: Int[Tensor, " region"]
    attribute_scores: Float[Tensor, " region"]


class _Convolution(nn.Conv2d):
    """A convolution and its batch normalisation."""

    def __init__(self, before: int, after: int, side: int = 1, *, stride: int = 1, spread: int = 1):
        reach = spread * (side // 2)
        super().__init__(before, after, side, stride, reach, dilation=spread, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(super().forward(x))
        return normed


class _Block(nn.Module):
    """A bottleneck; the stride is in its first convolution, as in Caffe's ResNets."""

    def __init__(self, before: int, narrow: int, wide: int, *, stride: int, spread: int) -> None:
        super().__init__()
        if before != wide:
            self.shortcut = _Convolution(before, wide, stride=stride)
        self.conv1 = _Convolution(before, narrow, stride=stride)
        self.conv2 = _Convolution(narrow, narrow, 3, spread=spread)
        self.conv3 = _Convolution(narrow, wide)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.conv2(F.relu(self.conv1(x))))
        passed: Tensor = self.shortcut(x) if hasattr(self, "shortcut") else x
        return F.relu(self.conv3(inner) + passed)


def _stage(number: int, sizes: Sizes, *, stride: int, spread: int = 1) -> nn.Sequential:
    """One of the stages, counted from 0."""
    narrow, wide = sizes.narrow << number, sizes.wide << number
    before = wide // 2 if number else sizes.stem
    return nn.Sequential(
        _Block(before, narrow, wide, stride=stride, spread=spread),
        *(
            _Block(wide, narrow, wide, stride=1, spread=spread)
            for _ in range(sizes.blocks[number] - 1)
        ),
    )


class _Stem(nn.Module):
    """Pixels to a map, 4 pixels a cell."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.conv1 = _Convolution(3, sizes.stem, 7, stride=2)

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.relu(self.conv1(pixels))
        return F.max_pool2d(x, 3, 2, ceil_mode=True)  # without a margin, as in Caffe


class _Backbone(nn.Module):
    """Pixels to a map, 16 pixels a cell."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.stem = _Stem(sizes)
        self.res2 = _stage(0, sizes, stride=1)
        self.res3 = _stage(1, sizes, stride=2)
        self.res4 = _stage(2, sizes, stride=2)

    def forward(self, pixels: Tensor) -> Tensor:
        cells: Tensor = self.res4(self.res3(self.res2(self.stem(pixels))))
        return cells


class _Anchors(nn.Module):
    """The boxes that proposals begin as, of every cell; a checkpoint brings them."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.cell_anchors = nn.ParameterList([nn.Parameter(torch.zeros(sizes.anchors, 4))])

    def forward(self, cells: Tensor) -> Float[Tensor, "box 4"]:
        rows, columns = cells.shape[-2:]
        return laid_out(self.cell_anchors[0], rows, columns, STRIDE)


class _Head(nn.Module):
    """A map to how likely something is at every anchor, and how that is to be moved."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.conv = nn.Conv2d(sizes.wide * 4, sizes.hidden, 3, padding=1)
        self.objectness_logits = nn.Conv2d(sizes.hidden, sizes.anchors, 1)
        self.anchor_deltas = nn.Conv2d(sizes.hidden, sizes.anchors * 4, 1)

    def forward(self, cells: Tensor) -> tuple[Float[Tensor, " box"], Float[Tensor, "box 4"]]:
        hidden = F.relu(self.conv(cells))
        scores = self.objectness_logits(hidden)[0].permute(1, 2, 0).flatten()
        return scores, self.anchor_deltas(hidden)[0].permute(1, 2, 0).reshape(-1, 4)


class _Proposals(nn.Module):
    """A map to boxes where something may be."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.anchor_generator = _Anchors(sizes)
        self.rpn_head = _Head(sizes)

    def forward(self, cells: Tensor, width: int, height: int) -> Float[Tensor, "proposal 4"]:
        scores, by = self.rpn_head(cells)
        anchors = self.anchor_generator(cells)
        order = torch.argsort(scores, descending=True, stable=True)[:_PROPOSED]
        boxes = inside(moved(anchors[order], by[order], _PROPOSAL_SCALES), width, height)
        real = (boxes[:, 2:] > boxes[:, :2]).all(1)
        boxes, scores = boxes[real], scores[order][real]
        return boxes[thinned_out(boxes, scores, _PROPOSAL_OVERLAP, _PROPOSALS)]


class _Predictor(nn.Module):
    """What each region is, and where exactly."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.cls_score = nn.Linear(sizes.dim, sizes.classes + 1)
        self.bbox_pred = nn.Linear(sizes.dim, sizes.classes * 4)
        names = torch.zeros(sizes.classes + 1, sizes.name)  # no random ones: slow on device meta
        self.cls_embedding = nn.Embedding(sizes.classes + 1, sizes.name, _weight=names)
        self.fc_attr = nn.Linear(sizes.dim + sizes.name, sizes.attribute_hidden)
        self.attr_score = nn.Linear(sizes.attribute_hidden, sizes.attributes + 1)

    def forward(self, features: Tensor, boxes: Tensor) -> Found:
        """Of the best class that is not the background, which is the last."""
        logits = self.cls_score(features)
        scores, classes = logits.softmax(-1)[:, :-1].max(-1)
        by = self.bbox_pred(features).unflatten(-1, (-1, 4))
        by = by[torch.arange(len(by), device=by.device), classes]
        named = torch.cat([features, self.cls_embedding(logits.argmax(-1))], -1)
        attributes = self.attr_score(F.relu(self.fc_attr(named)))[:, :-1].softmax(-1).max(-1)
        return Found(
            *(features, moved(boxes, by, _SCALES), classes, scores),
            *(attributes.indices, attributes.values),
        )


class _Regions(nn.Module):
    """A map and boxes to regions."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.res5 = _stage(3, sizes, stride=1, spread=2)
        self.box_predictor = _Predictor(sizes)

    def forward(self, cells: Tensor, boxes: Tensor) -> Found:
        features = [
            self.res5(pooled(cells[0], part, _BIN_SIDE, 1 / STRIDE)).mean((2, 3))
            for part in torch.split(boxes, _AT_ONCE)
        ]
        found: Found = self.box_predictor(torch.cat(features), boxes)
        return found


class FasterRcnn(nn.Module):
    """Pixels of one photo to regions."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.backbone = _Backbone(sizes)
        self.proposal_generator = _Proposals(sizes)
        self.roi_heads = _Regions(sizes)

    def forward(self, pixels: Float[Tensor, "3 height width"], count: int) -> Found:
        """The regions of a photo that overlap least, as many as wanted if proposals suffice.

        Args:
            pixels: blue, green, red, less their means.
        """
        height, width = pixels.shape[1:]
        cells = self.backbone(pixels[None])
        found = self.roi_heads(cells, self.proposal_generator(cells, width, height))
        boxes = inside(found.boxes, width, height)
        for most_overlap in _OVERLAPS:
            kept = thinned_out(boxes, found.class_scores, most_overlap, count)
            if len(kept) == count:
                break
        return Found(*(one[kept] for one in found._replace(boxes=boxes)))
