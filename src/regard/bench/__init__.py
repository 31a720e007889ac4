"""Measurements of Regard on this machine; nothing here is needed to use it."""
