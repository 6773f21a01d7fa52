"""Django database backend that finds the embedded PostgreSQL, and starts it when nobody has."""
