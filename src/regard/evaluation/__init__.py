"""Evaluation: whole-set similarity, protocols, ensembles, grounding and reports."""
