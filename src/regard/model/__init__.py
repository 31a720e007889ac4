"""The model as people use it: encoders, vocabulary, scoring, and what similarities are worth.

Knows photos and sentences, embeddings and similarities. Knows nothing of indexes or training.
"""
