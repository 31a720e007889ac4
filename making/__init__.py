"""Commands that make the files in src/regard/weights and src/regard/words that are not code.

They run where `regard[train]` is installed; tests hold each file to what its command makes.
"""
