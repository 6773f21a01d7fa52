"""Statistical process control: how a degrading instrument is told from noise (pure, worker side)."""
