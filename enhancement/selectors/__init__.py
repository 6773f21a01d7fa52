"""Reads of restoration."""
