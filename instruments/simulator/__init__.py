"""A microscope that ages: specimens, optics, detectors and scanner simulated from physics, reproducibly.

specimens, tissue → formation (pupil, psf, illumination) → scanner → detector → microscope → fleet → export
"""
