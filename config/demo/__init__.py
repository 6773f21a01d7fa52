"""The demonstration: a simulated facility, real images beside it, and the whole loop run on both."""
