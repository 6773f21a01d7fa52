"""The conventional filters that a network has to beat (numpy, scipy, scikit-image)."""
