"""Scores of restored images and the gate a model has to pass before release (numpy)."""
