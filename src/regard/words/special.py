"""Words that stand for no word of a sentence, as SCAN's vocabularies have them."""

PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unk>"
SPECIAL = (PAD, START, END, UNKNOWN)
WHOLE = "<sentence>"  # stands for a whole sentence, before its words
MARKERS = (START, END, WHOLE)
"""What stands among words and is none to show."""
