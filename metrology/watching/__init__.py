"""Watching a folder of a microscope's own PC; needs neither Django nor the database, so that it runs there alone."""
