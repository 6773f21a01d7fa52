"""The services that Strehl brings with it: PostgreSQL 18, its queue, and the supervisor that runs everything."""
