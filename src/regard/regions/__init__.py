"""From a photo to region features: reading photos, extractors, and running them over many.

Knows pixels and boxes. Knows nothing of sentences, models or similarity.
"""
