"""How finely an image has to be sampled so that nothing the lens passes is lost (Nyquist)."""

from __future__ import annotations

from dataclasses import dataclass

from instruments.optics.resolution import OpticalSettings, Technique


@dataclass(frozen=True, slots=True)
class Sampling:
    """Largest steps that keep all that the objective passes.

    Parameters
    ----------
    pixel_size_um, z_step_um : float
        In the image plane and between planes [µm].
    """

    pixel_size_um: float
    z_step_um: float


def nyquist_sampling(settings: OpticalSettings) -> Sampling:
    """Say which pixel size and plane distance just keep every detail that the objective passes.

    Parameters
    ----------
    settings : OpticalSettings
        Technique, objective and wavelengths.

    Returns
    -------
    Sampling
        Largest pixel size and plane distance [µm].

    Raises
    ------
    MissingMetadataError
        If the wavelength that limits this technique is not known.

    Notes
    -----
    Half the reciprocal of the cut-off of the intensity: λ/(4 NA) and λ/(2 n (1 − cos α)) (Heintzmann & Sheppard,
    Micron 2007). The point spread of a confocal or two-photon microscope is a product of two intensities: its cut-off
    is twice as high and the steps are half as long, with the excitation wavelength; with a pinhole of one Airy unit
    or more a confocal microscope passes little of that upper half.
    """
    wavelength_um = settings.limiting_wavelength_um
    intensities = 1 if settings.technique is Technique.WIDEFIELD else 2
    return Sampling(
        pixel_size_um=wavelength_um / (4.0 * settings.numerical_aperture * intensities),
        z_step_um=wavelength_um / (2.0 * settings.sagitta * intensities),
    )
