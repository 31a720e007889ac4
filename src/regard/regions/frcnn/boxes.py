"""Boxes: laid out, moved, compared, thinned out, and what a map holds inside them.

A box is x1, y1, x2, y2; its width is x2 - x1. Knows numbers only.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from regard.device import read
from regard.shapes import Float, Int

_MOST_GROWTH = math.log(1000 / 16)  # of a side, as a logarithm
_AT_ONCE = 512  # boxes compared with all others


def laid_out(
    anchors: Float[Tensor, "anchor 4"], rows: int, columns: int, stride: int
) -> Float[Tensor, "box 4"]:
    """Anchors around every cell of a map: by row, by column, by anchor."""
    down = torch.arange(rows, device=anchors.device) * stride
    across = torch.arange(columns, device=anchors.device) * stride
    y, x = torch.meshgrid(down, across, indexing="ij")
    places = torch.stack([x, y, x, y], -1)
    return (places[:, :, None] + anchors).reshape(-1, 4)


def moved(
    boxes: Float[Tensor, "box 4"],
    by: Float[Tensor, "box 4"],
    scales: tuple[float, float, float, float],
) -> Float[Tensor, "box 4"]:
    """Boxes whose middles are moved in units of their sides, and whose sides grow.

    Args:
        by: moves right and down, logarithms of the growth of width and height.
        scales: what these four are divided by.
    """
    by = by / by.new_tensor(scales)
    sides = boxes[:, 2:] - boxes[:, :2]
    middles = boxes[:, :2] + sides / 2 + by[:, :2] * sides
    half = sides * by[:, 2:].clamp(max=_MOST_GROWTH).exp() / 2
    return torch.cat([middles - half, middles + half], 1)


def inside(boxes: Float[Tensor, "box 4"], width: int, height: int) -> Float[Tensor, "box 4"]:
    """Boxes cut at the edges of the photo."""
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def overlaps(a: Float[Tensor, "one 4"], b: Float[Tensor, "other 4"]) -> Float[Tensor, "one other"]:
    """Intersections over unions; 0 where both boxes have no area."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(one[:, 2:] - one[:, :2]).prod(-1) for one in (a, b)]
    union = areas[0][:, None] + areas[1] - shared
    return torch.where(union > 0, shared / union, 0.0)


def thinned_out(
    boxes: Float[Tensor, "box 4"], scores: Float[Tensor, " box"], most_overlap: float, most: int
) -> Int[Tensor, " kept"]:
    """Boxes that are left when each suppresses those of a smaller score that overlap it more.

    Args:
        most_overlap: intersection over union up to which both are kept.
        most: kept at most.

    Returns:
        Places of the boxes, best first; of equal scores the first is better.
    """
    order = torch.argsort(scores, descending=True, stable=True)
    ordered = boxes[order]
    suppress = np.concatenate(
        [read(overlaps(part, ordered) > most_overlap) for part in torch.split(ordered, _AT_ONCE)]
    )
    gone, kept = np.zeros(len(order), bool), list[int]()
    for place in range(len(order)):
        if len(kept) == most:
            break
        if not gone[place]:
            kept.append(place)
            gone |= suppress[place]
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def pooled(
    grid: Float[Tensor, "channel row column"],
    boxes: Float[Tensor, "box 4"],
    side: int,
    scale: float,
) -> Float[Tensor, "box channel side side"]:
    """The largest values of a map in side x side bins of every box (RoI max pooling).

    Box edges are rounded to cells, halves upwards, both ends inclusive. Bins overlap where cells
    do not divide evenly; bins beyond the map are 0. Edges of bins are whole numbers here; reckoned
    in float32, as torchvision does, a bin of a box 57 or 62 cells long is one cell wider.

    Args:
        boxes: in pixels, at least partly on the map.
        scale: cells a pixel.
    """
    _, rows, columns = grid.shape
    edges = read((boxes * scale + 0.5).floor()).astype(int)
    found = [grid.new_zeros(0, len(grid), side, side)]
    for x1, y1, x2, y2 in edges.tolist():
        x2, y2 = max(x2, x1), max(y2, y1)
        within = grid[:, y1 : y2 + 1, x1 : x2 + 1]
        beyond = (0, max(x2 + 1 - max(columns, x1), 0), 0, max(y2 + 1 - max(rows, y1), 0))
        whole = F.pad(within, beyond, value=float("-inf"))
        bins = F.adaptive_max_pool2d(whole, side)[None]
        found.append(bins.masked_fill(bins == float("-inf"), 0.0))
    return torch.cat(found)
