"""Writes: each service is one verb, in one transaction."""
