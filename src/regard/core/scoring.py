"""How regions and words become one similarity: the choices, by name, and their defaults.

Knows names and numbers only, so that whoever reads a model's settings needs no framework.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from regard.errors import ConfigError

Direction = Literal["t2i", "i2t"]
Pooling = Literal["lse", "mean", "max", "sum", "weighted"]
Normalization = Literal[
    "clipped_l2norm", "l2norm", "clipped_l1norm", "l1norm", "clipped", "no_norm", "softmax"
]
Scorer = Literal["attention", "sum_max", "hard", "pooled", "sgr", "saf"]
Negatives = Literal["hardest", "sum"]
"""Wrong partners that a triplet loss looks at: the most confusing one, or all of the batch."""

EPS = 1e-8  # the official code's epsilon; added to norms, not clamped
TINY = 1e-30  # keeps the gradient of a square root finite at exactly zero
GPO_TEMPERATURE = 0.1  # of the softmax over places in learned pooling, as published
LEAK = 0.1  # slope of the LeakyReLU that stands for the paper's [x]+ in the official code


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How regions and words become one similarity. The one place where the defaults stand."""

    direction: Direction = "t2i"
    """Who attends: words to regions (t2i) or regions to words (i2t)."""
    pooling: Pooling = "lse"
    """How relevances become the similarity: eq. 6 (lse), eq. 7 (mean), their max or sum; or
    weighted: a sum in which the length of a query's vector is its weight."""
    normalization: Normalization = "clipped_l2norm"
    """What is done to the cosines over the query axis before the softmax."""
    lambda_softmax: float = 9.0
    """λ1, inverse temperature of the attention."""
    lambda_lse: float = 6.0
    """λ2, how much lse pooling favours the most relevant query; only used by lse."""
    scorer: Scorer = "attention"
    """attention (SCAN), sum_max (eqs. 9-10), hard (to the best alone, pooled as relevances are:
    CHAN) or pooled (cosine of the mean vectors, VSE++); sgr and saf: computed from all alignments
    by a network that is trained along (SGRAF)."""

    def __post_init__(self) -> None:
        """Refuse names that are not offered and temperatures that are not positive."""
        for name, kind in (
            ("direction", Direction),
            ("pooling", Pooling),
            ("normalization", Normalization),
            ("scorer", Scorer),
        ):
            if getattr(self, name) not in get_args(kind):
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}; it must be one of "
                    f"{', '.join(get_args(kind))}. Choose one of these."
                )
        if self.is_learned and self.direction != "t2i":
            raise ConfigError(
                f"direction is {self.direction!r}; with scorer {self.scorer!r} it must be 't2i', "
                "since words are aligned with regions. Choose that."
            )
        for name in ("lambda_softmax", "lambda_lse"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ConfigError(
                    f"{name} is {value!r}; it must be a positive number. "
                    "The paper uses 4 to 9 for lambda_softmax and 5 to 20 for lambda_lse."
                )

    @property
    def is_learned(self) -> bool:
        """Whether a similarity is read off by a network of its own, and no sum over words."""
        return self.scorer in ("sgr", "saf")

    @property
    def is_hard(self) -> bool:
        """Whether a query looks at its best context alone."""
        return self.scorer in ("sum_max", "hard")

    @property
    def pools(self) -> Pooling:
        """How relevances are pooled; Sum-Max sums them whatever is set."""
        return "sum" if self.scorer == "sum_max" else self.pooling

    @property
    def skips_zeros(self) -> bool:
        """Whether words whose vector is zero change nothing, so that they may be left out."""
        if self.is_hard:
            return self.direction == "t2i" and self.pools in ("sum", "weighted")
        return self.scorer == "pooled" or self.direction == "i2t" or self.pooling == "weighted"


DEFAULT_SCORING = Scoring()


def refuse_learned(scoring: Scoring, what: str) -> None:
    """Refuse a similarity that a network of its own reads off.

    Raises:
        ConfigError: it is one.
    """
    if scoring.is_learned:
        raise ConfigError(
            f"scorer is {scoring.scorer!r}, whose similarities are no sums over words; for {what} "
            "they must be. Judge such a model with `regard evaluate`, or take another."
        )
