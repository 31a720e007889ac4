"""Photos as files and as pixels: finding them, reading them right, samples to try.

Knows folders, formats and pixels. Knows nothing of regions, models or indexes.
"""
