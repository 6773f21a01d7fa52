"""Reading of files that nobody vouches for: in a process of its own, with limits of memory, time and output."""
