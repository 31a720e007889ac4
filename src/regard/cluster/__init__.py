"""The same stages on many machines: a Ray cluster extracts, indexes, evaluates and searches.

Knows Ray and Arrow's file systems; what happens to a photo, a query or a pair of photo and
sentence is the other packages' matter, and the results are theirs. Needs `pip install
'regard[ray]'`.
"""
