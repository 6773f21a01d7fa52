"""Template tags and filters of every page: `{% load strehl %}`."""
