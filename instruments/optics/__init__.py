"""What an aberration-free microscope could resolve, and how finely it should be sampled."""
