"""Applying a trained network to a plane of any size (torch)."""
