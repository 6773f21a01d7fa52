"""Writes of restoration: each function checks who asks, and changes its rows in one transaction."""
