"""Captions and the photos they are of, as training and evaluation see them.

Knows files of captions and region features. Knows nothing of networks or training.
"""
