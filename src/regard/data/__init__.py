"""Captions, words and region features as the encoders want them.

Knows files of text and of numbers. Knows nothing of photos' pixels, networks or training.
"""
