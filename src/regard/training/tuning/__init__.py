"""Tuning the end of the backbone to the words of a trained model."""
