"""Sentences as words: tokens, vocabulary, states of words in their sentence, function words.

Knows text. Knows nothing of photos, networks or scores.
"""
