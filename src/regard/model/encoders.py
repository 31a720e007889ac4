"""The network's encoders without a framework: the same numbers as `core.network`, in numpy.

Knows weights by the names that the network gives them, features and word ids. Knows nothing of
photos, tokenisation, training or files. Weights may be kept in float16; they are converted where
an encoder is made.
"""

import numpy as np

from regard.core import reasoning
from regard.core.attention import softmax
from regard.core.model_config import ModelConfig
from regard.core.padding import some_of
from regard.core.reasoning import kept_as
from regard.core.scoring import EPS
from regard.model import pooling, recurrence, transformer
from regard.model.labels import LabelClasses
from regard.model.pooling import pooler_of
from regard.model.recurrence import ENDS, ROWS, Reader, Weights, floats
from regard.shapes import Bool, Float, Int
from regard.store.shards import RegionLabels


def shapes(config: ModelConfig, words: int) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of a network for a vocabulary of so many words."""
    dim = config.embed_dim
    found: dict[str, tuple[int, ...]] = {
        "regions.mean": (config.feature_dim,),
        "regions.deviation": (config.feature_dim,),
        **_linear("regions.linear", config.feature_dim, dim),
    }
    if config.region_mlp:
        found |= _linear("regions.mlp.1", config.feature_dim, dim)
        found |= _linear("regions.mlp.3", dim, dim)
    if config.labels:
        found["regions.labels.gain"] = (1,)
    if config.scoring.is_learned:
        found |= {f"reasoner.{kept_as(n)}": size for n, size in reasoning.shapes(config).items()}
    if config.gpo:
        found |= pooling.shapes("regions.pooler") | pooling.shapes("words.pooler")
    if config.weighs_words:
        found["words.weigh.weight"] = (1, config.state_dim)
    if config.word_encoding == "transformer":
        return found | transformer.shapes(config.text, dim)
    if config.word_encoding == "states":
        return {
            **found,
            "words.embed.weight": (words, dim),
            **_linear("words.linear", config.state_dim, dim),
            **_linear("words.mlp.0", config.state_dim, config.word_hidden),
            **_linear("words.mlp.3", config.word_hidden, dim),
        }
    found["words.embed.weight"] = (words, config.word_dim)
    both = config.bidirectional
    return found | recurrence.shapes("words.rnn", config.word_dim, dim, both=both)


def _linear(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


class _Maps:
    """A linear map, and beside it perhaps a perceptron of two layers; one product serves both."""

    def __init__(self, weights: Weights, linear: str, hidden: str, out: str) -> None:
        names = [name for name in (linear, hidden) if f"{name}.weight" in weights]
        self.dim = len(weights[f"{linear}.weight"])
        self._first = floats(np.concatenate([weights[f"{name}.weight"] for name in names])).T
        self._bias = floats(np.concatenate([weights[f"{name}.bias"] for name in names]))
        self._second = None
        if len(names) == 2:
            self._second = floats(weights[f"{out}.weight"]).T
            self._bias[: self.dim] += weights[f"{out}.bias"]

    def __call__(self, rows: Float[np.ndarray, "row input"]) -> Float[np.ndarray, "row dim"]:
        wide = rows @ self._first  # (row, dim + hidden)
        wide += self._bias
        mapped: np.ndarray = wide[:, : self.dim]
        if self._second is not None:
            hidden = wide[:, self.dim :]
            mapped += np.maximum(hidden, 0, out=hidden) @ self._second
        return mapped


class RegionEncoder:
    """Region features to unit vectors: standardise, project, normalise.

    Args:
        classes: what regions may be taken for, where the model has labels.
    """

    def __init__(self, weights: Weights, classes: LabelClasses | None = None) -> None:
        self._mean = floats(weights["regions.mean"])
        self._deviation = floats(weights["regions.deviation"])
        self._maps = _Maps(weights, "regions.linear", "regions.mlp.1", "regions.mlp.3")
        self.labels = None if classes is None else Labels(weights, classes)
        self._pooler = pooler_of(weights, "regions.pooler")

    def __call__(
        self,
        features: Float[np.ndarray, "*batch feature"],
        counts: Int[np.ndarray, " photo"] | None = None,
    ) -> Float[np.ndarray, "*batch dim"]:
        """Embed raw features; a vector that embeds to exactly zero stays zero.

        Args:
            counts: regions of each photo, where the model pools them.
        """
        return self.labelled(features, counts)[0]

    def labelled(
        self,
        features: Float[np.ndarray, "*batch feature"],
        counts: Int[np.ndarray, " photo"] | None = None,
    ) -> tuple[Float[np.ndarray, "*batch dim"], RegionLabels | None]:
        """The same, and what the regions look like, one after another; None without labels."""
        rows = features.reshape(-1, features.shape[-1])
        out, found = np.empty((len(rows), self._maps.dim), np.float32), []
        for part in some_of(len(rows), ROWS):
            standard = np.subtract(rows[part], self._mean, dtype=np.float32)
            standard /= self._deviation
            embedded = self._maps(standard)
            if self._pooler is not None:
                out[part] = embedded
                continue
            _to_unit(embedded, out[part])
            if self.labels is not None:
                likeliest = self.labels.classes.likeliest(rows[part])
                out[part] += self.labels.parts(*likeliest)
                _to_unit(out[part], out[part])
                found.append(RegionLabels.of(*likeliest))
        labels = RegionLabels(*map(np.concatenate, zip(*found, strict=True))) if found else None
        whole = out.reshape(*features.shape[:-1], self._maps.dim)
        if self._pooler is not None:
            assert counts is not None  # as models give them
            self._pooler(whole, counts)
        return whole, labels


class Labels:
    """What regions look like, in the words of a classifier's classes."""

    def __init__(self, weights: Weights, classes: LabelClasses) -> None:
        self.classes = classes
        states = floats(classes.states)
        names = _Maps(weights, "words.linear", "words.mlp.0", "words.mlp.3")(states)
        _to_unit(names, names)
        self._names = (names - names.mean(0)) * floats(weights["regions.labels.gain"])

    def parts(
        self, which: Int[np.ndarray, "row few"], likely: Float[np.ndarray, "row few"]
    ) -> Float[np.ndarray, "row dim"]:
        """What labels add to regions that were learned, of these classes, so likely."""
        weights = np.zeros((len(which), len(self._names)), np.float32)
        np.put_along_axis(weights, which, likely, 1)
        part: np.ndarray = weights @ self._names
        return part

    def cosines(
        self,
        vectors: Float[np.ndarray, "row dim"],
        labels: RegionLabels,
        words: Float[np.ndarray, "row dim"],
    ) -> Float[np.ndarray, "row few"]:
        """How much each label adds to the cosine of a region with a word.

        The region's vector v is (u + z) / n: u was learned and has length 1, the labels' z is
        known, and n = v.z + sqrt((v.z)^2 - z.z + 1) follows.

        Args:
            vectors: of regions, of length 1.
            labels: of the same regions.
            words: of length 1 as well.
        """
        named = self._names[labels.classes] * labels.likely[..., None]  # (row, few, dim)
        parts = named.sum(1)
        along = np.einsum("rd,rd->r", vectors, parts)
        square = along**2 - np.einsum("rd,rd->r", parts, parts) + 1
        lengths = along + np.sqrt(square.clip(0))
        added: np.ndarray = np.einsum("rfd,rd->rf", named, words) / lengths.clip(EPS)[:, None]
        return added


class StateEncoder:
    """Word states of a sentence encoder to unit vectors, one a word."""

    def __init__(self, weights: Weights, *, names_only: bool, whole_weight: float) -> None:
        self._embed, self._whole = weights["words.embed.weight"], np.float32(whole_weight)
        self._maps = _Maps(weights, "words.linear", "words.mlp.0", "words.mlp.3")
        self._weigh, self._names_only = None, names_only
        self._pooler = pooler_of(weights, "words.pooler")
        if "words.weigh.weight" in weights:
            self._weigh = floats(weights["words.weigh.weight"][0])

    def __call__(
        self,
        word_ids: Int[np.ndarray, "cap word"],
        lengths: Int[np.ndarray, " cap"],
        states: Float[np.ndarray, "cap word state"],
        naming: Bool[np.ndarray, "cap word"],
    ) -> Float[np.ndarray, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros.

        Args:
            naming: words that name something; where only these count, the rest become zeros.
        """
        real = np.arange(word_ids.shape[1]) < lengths[:, None]
        ids, inputs = word_ids[real], states[real]
        rows = np.empty((len(ids), self._maps.dim), np.float32)
        for part in some_of(len(ids), ROWS):
            embedded = self._maps(floats(inputs[part]))
            embedded += self._embed[ids[part]]
            if self._pooler is not None:
                rows[part] = embedded
                continue
            _to_unit(embedded, rows[part])
        out = np.zeros((*word_ids.shape, self._maps.dim), np.float32)
        out[real] = rows
        if self._pooler is not None:
            self._pooler(out, lengths)
        if self._names_only:
            self._weigh_words(out, states, naming)
        return out

    def _weigh_words(
        self,
        units: Float[np.ndarray, "cap word dim"],
        states: Float[np.ndarray, "cap word state"],
        naming: Bool[np.ndarray, "cap word"],
    ) -> None:
        """Give words their weights, in place; without learned ones all that count have 1."""
        if self._weigh is None:
            units[:, 0] *= self._whole > 0
            units[:, 1:] *= naming[:, 1:, None]
            return
        logits = np.where(naming, states @ self._weigh, -np.inf)
        weights = softmax(logits, axis=1) * (1 - self._whole)
        weights[:, 0] = self._whole
        units *= weights[..., None]
        lengths = np.linalg.norm(units.sum(1), axis=-1)
        units /= np.maximum(lengths, np.float32(EPS))[:, None, None]


class WordEncoder:
    """Word ids to unit vectors by a GRU; with `last`, the caption's one vector for every word.

    Captions are read longest first, so that each step takes only those that still go on, and
    every different word meets the input weights once.
    """

    def __init__(self, weights: Weights, *, last: bool) -> None:
        self._embed, self._last = weights["words.embed.weight"], last
        both = "words.rnn.weight_ih_l0_reverse" in weights
        self._readers = [Reader(weights, "words.rnn", end) for end in ENDS[: 1 + both]]
        self._pooler = pooler_of(weights, "words.pooler")

    def __call__(
        self,
        word_ids: Int[np.ndarray, "cap word"],
        lengths: Int[np.ndarray, " cap"],
    ) -> Float[np.ndarray, "cap word dim"]:
        """Embed captions; positions past a caption's length come back as zeros."""
        order = np.argsort(-lengths, kind="stable")
        descending = lengths[order]
        steps = np.arange(descending[0])[:, None]
        alive = (steps < descending).sum(1)  # captions that still go on, by step
        different, rows = np.unique(word_ids[order], return_inverse=True)
        rows, inputs = rows.reshape(word_ids.shape).T, floats(self._embed[different])
        out = np.zeros((*word_ids.shape, self._readers[0].dim), np.float32)
        forwards, backwards = steps + 0 * descending, (descending - 1 - steps).clip(0)
        for places, reader in zip((forwards, backwards), self._readers, strict=False):
            words = np.take_along_axis(rows, places, 0)  # (step, cap)
            for step, hidden in enumerate(reader.read(inputs, words, alive)):
                first = int(alive[step + 1 : step + 2].sum()) if self._last else 0
                here = slice(first, len(hidden))  # of `last` only captions that end here
                place = 0 if self._last else places[step, here]
                out[order[here], place] += hidden[here]
        out *= np.float32(1 / len(self._readers))
        if self._last:
            real = np.arange(word_ids.shape[1]) < lengths[:, None]
            out[:] = out[:, :1] * real[..., None]
        if self._pooler is not None:
            return self._pooler(out, lengths)
        every = out.reshape(-1, out.shape[-1])
        for part in some_of(len(every), ROWS):
            _to_unit(every[part], every[part])
        return out


def _to_unit(rows: Float[np.ndarray, "row dim"], out: Float[np.ndarray, "row dim"]) -> None:
    """Divide by the length plus 1e-8, as the official code does; 0 stays 0."""
    lengths = np.sqrt(np.einsum("rd,rd->r", rows, rows))
    np.divide(rows, lengths[:, None] + np.float32(EPS), out=out)
