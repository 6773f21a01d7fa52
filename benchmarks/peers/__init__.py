"""What other programs make of the same images: the sides that Strehl is compared with."""
