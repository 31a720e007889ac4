"""Words that tie a sentence together and name nothing one could point at.

English articles, auxiliaries, pronouns, conjunctions and prepositions, as in captions.
"""

from regard.words.special import MARKERS

_TEXT = """
a an the this that these those some any each every all both another other
and or but while as if than then so because also just very too not no
is are was were be been being am has have had having do does did doing can could will would
may might must should
i you he she it we they me him her us them my your his its our their himself herself itself
themselves one's who whom whose which what where when how there here
of in on at to with without for from by into onto out off over under above below up down
through across along around about after before behind beside between among near next against
during towards toward inside outside upon within 's
"""
FUNCTION_WORDS = frozenset(_TEXT.split())


def names_something(word: str) -> bool:
    """Whether a token is a word that could be seen in a photo.

    That is no function word, no punctuation, and none of the marks as <start>.
    """
    if word in MARKERS or word.lower() in FUNCTION_WORDS:
        return False
    return any(sign.isalnum() for sign in word)
