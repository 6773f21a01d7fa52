"""What pages of other apps say about restoration."""
