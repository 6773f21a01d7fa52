"""Quantities measured on images: one family a module, declared in the registry, computed by shared kernels."""
