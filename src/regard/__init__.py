"""Regard: match images and sentences, and see which word looked where."""
