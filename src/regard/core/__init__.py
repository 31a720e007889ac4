"""The model and its scores: tensors in, tensors out.

Knows attention, losses, metrics and the network; knows nothing of files, photos, sentences,
settings files, devices or printing.

Axis letters in comments: I images, C captions, R regions, W words, D joint dimension,
F raw feature dimension, Q queries, K context, P pairs (image p with caption p).
Masks are boolean, True where an entry is real.
"""
