"""Networks that restore a degraded plane, and the critics that train them (torch)."""
