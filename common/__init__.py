"""What every app stands on: errors, units, dispatch, permissions, the API envelope."""
