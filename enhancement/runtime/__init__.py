"""The worker's side of restoration: rows become arrays, pure code works on them, services and rows keep what came out."""
