"""Training of restoration networks on pairs of planes (torch and Lightning Fabric)."""
