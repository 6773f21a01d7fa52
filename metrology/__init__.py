"""What was measured, and whether it drifted."""
