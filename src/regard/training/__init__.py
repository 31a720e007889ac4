"""Training: recipes, the step, the loop, and runs that survive being killed.

Knows models, data sets and evaluation. Knows nothing of printing or of where photos come from.
"""
