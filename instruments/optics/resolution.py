"""Theoretical width of the image of a point, laterally and axially."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from common.errors import InputError, MissingMetadataError

NM_PER_UM = 1000.0


class Technique(StrEnum):
    """How the image is made."""

    WIDEFIELD = "widefield"
    CONFOCAL = "confocal"
    TWO_PHOTON = "two_photon"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpticalSettings:
    """What the theoretical limits depend on.

    Parameters
    ----------
    technique : Technique
        How the image is made.
    numerical_aperture : float
        Of the objective [1].
    refractive_index : float
        Of the immersion medium [1].
    excitation_nm, emission_nm : float or None
        Wavelengths in vacuum [nm]; widefield needs the emission, the others the excitation.

    Raises
    ------
    InputError
        If the aperture is not between 0 and the refractive index, or a wavelength is not positive.
    """

    technique: Technique
    numerical_aperture: float
    refractive_index: float
    excitation_nm: float | None = None
    emission_nm: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.numerical_aperture < self.refractive_index:
            raise InputError(
                f"A numerical aperture of {self.numerical_aperture:g} is impossible in a medium of refractive index "
                f"{self.refractive_index:g}.",
                hint="Give an aperture above 0 and below the refractive index of the immersion.",
                numerical_aperture=self.numerical_aperture,
                refractive_index=self.refractive_index,
            )
        for wavelength_nm in (self.excitation_nm, self.emission_nm):
            if wavelength_nm is not None and not wavelength_nm > 0.0:
                raise InputError(
                    f"A wavelength of {wavelength_nm:g} nm is impossible.",
                    hint="Give the wavelength in nanometres.",
                    wavelength_nm=wavelength_nm,
                )

    @property
    def limiting_wavelength_um(self) -> float:
        """Wavelength that sets the resolution [µm]: emission in widefield, excitation in the scanning techniques.

        Raises
        ------
        MissingMetadataError
            If that wavelength is not known.
        """
        widefield = self.technique is Technique.WIDEFIELD
        wavelength_nm = self.emission_nm if widefield else self.excitation_nm
        if wavelength_nm is None:
            kind = "emission" if widefield else "excitation"
            raise MissingMetadataError(
                f"The theoretical resolution of a {self.technique.value} image needs its {kind} wavelength.",
                hint=f"Enter the {kind} wavelength of the optical path.",
                missing=f"{kind}_nm",
            )
        return wavelength_nm / NM_PER_UM

    @property
    def sagitta(self) -> float:
        """Height of the pupil sphere, n − √(n² − NA²) = n (1 − cos α) [1]: it sets the axial resolution."""
        return self.refractive_index - math.sqrt(self.refractive_index**2 - self.numerical_aperture**2)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Full widths at half maximum of the image of a point.

    Parameters
    ----------
    fwhm_lateral_um, fwhm_axial_um : float
        In the focal plane and along the optical axis [µm].
    """

    fwhm_lateral_um: float
    fwhm_axial_um: float


def theoretical_resolution(settings: OpticalSettings) -> Resolution:
    """Say how small the image of a point can be on this microscope if nothing is wrong with it.

    Parameters
    ----------
    settings : OpticalSettings
        Technique, objective and wavelengths.

    Returns
    -------
    Resolution
        Lateral and axial full widths at half maximum [µm].

    Raises
    ------
    MissingMetadataError
        If the wavelength that limits this technique is not known.

    Notes
    -----
    Widefield 0.51 λem/NA and 1.77 n λem/NA² (Airy disc and its axial sinc², paraxial). Confocal with a pinhole of one
    Airy unit or more, 0.51 λex/NA and 0.88 λex/(n − √(n² − NA²)) (Wilhelm et al., Zeiss 2003; Cole et al., Nat.
    Protoc. 2011). Two-photon: the 1/e widths of Zipfel et al. (Nat. Biotechnol. 2003) times 2√ln 2, that is
    0.377 λex/NA up to NA 0.7, 0.383 λex/NA^0.91 above it, axially 0.626 λex/(n − √(n² − NA²)). A pinhole closed
    below one Airy unit and a refractive-index mismatch are not handled.
    """
    wavelength_um = settings.limiting_wavelength_um
    aperture = settings.numerical_aperture
    match settings.technique:
        case Technique.WIDEFIELD:
            lateral = 0.51 * wavelength_um / aperture
            axial = 1.77 * settings.refractive_index * wavelength_um / aperture**2
        case Technique.CONFOCAL:
            lateral = 0.51 * wavelength_um / aperture
            axial = 0.88 * wavelength_um / settings.sagitta
        case Technique.TWO_PHOTON:
            lateral = 0.377 * wavelength_um / aperture if aperture <= 0.7 else 0.383 * wavelength_um / aperture**0.91
            axial = 0.626 * wavelength_um / settings.sagitta
    return Resolution(fwhm_lateral_um=lateral, fwhm_axial_um=axial)
