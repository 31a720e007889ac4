"""The papers' tables with rows of one's own, in both forms."""

import pytest

from regard.errors import ConfigError
from regard.official.published import PUBLISHED
from regard.official.tables import check_form, table

GOT = {
    "got": {
        "image_to_text": {"R@1": 60.04, "R@5": 80, "R@10": 90},
        "text_to_image": {"R@1": 40, "R@5": 70, "R@10": 80},
        "rsum": 420.04,
    },
    "runs": [419.0, 420.0, 421.0],
    "interval": [417.54, 422.54],
}


def test_markdown_has_every_published_row_and_one_s_own_below_its():
    lines = table("scan-i2t-lse-f30k", {"scan-t2i-mean-f30k": GOT}, "markdown").splitlines()
    assert len(lines) == 2 + sum(not name.endswith("-coco") for name in PUBLISHED) + 1
    assert len({line.count("|") for line in lines}) == 1
    at = next(n for n, line in enumerate(lines) if line.startswith("| scan-t2i-mean-f30k"))
    published = "Lee et al. 2018 | 61.8 | 87.5 | 93.7 | 45.8 | 74.4 | 83.0 | 446.2 | 440–451 |"
    assert lines[at].endswith(published)
    assert lines[at + 1] == (
        "| scan-t2i-mean-f30k | Regard, mean of 3 seeds | 60.0 | 80.0 | 90.0 | 40.0 | 70.0 | 80.0 "
        "| 420.0 ± 2.5 |  |"
    )


def test_latex_is_a_whole_tabular():
    one = {**GOT, "runs": [420.04], "interval": None}
    text = table("vsepp-coco", {"vsepp-coco": one}, "latex")
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{llrrrrrrrr}"
    assert lines[-1] == r"\end{tabular}"
    rows = [line for line in lines if line.endswith(r"\\")]
    assert {row.count("&") for row in rows} == {9}
    dashes = " & ".join(["--"] * 6)
    assert rf"vsepp-coco & Chen et al. 2021 & {dashes} & 490.5 & 483--495 \\" in lines
    assert any("Regard, 1 seed & 60.0" in row and "420.0" in row for row in rows)
    assert not {"→", "±", "–"} & set(text)


def test_what_no_paper_says_is_a_dash():
    lines = table("vseinf-coco", {}, "markdown").splitlines()
    wanted = "| vseinf-coco | Chen et al. 2021 | 78.5 | – | – | 61.7 | – | – | 520.8 | 513–526 |"
    assert wanted in lines


def test_another_form_is_refused():
    with pytest.raises(ConfigError, match="must be markdown or latex"):
        check_form("html")
