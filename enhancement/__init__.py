"""What can be restored, and how far to trust it."""
