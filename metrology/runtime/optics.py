"""What the catalogue says of an optical path, as theory needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.errors import InputError
from instruments.optics.resolution import OpticalSettings, Technique
from metrology.models import StandardKind

if TYPE_CHECKING:
    from metrology.models import Acquisition

COMPARED_WITH_THEORY: Final = frozenset({StandardKind.BEADS, StandardKind.MULTICOLOUR_BEADS})
TECHNIQUES: Final[dict[str, Technique]] = {
    "widefield": Technique.WIDEFIELD,
    "confocal": Technique.CONFOCAL,
    "spinning_disc": Technique.CONFOCAL,
    "two_photon": Technique.TWO_PHOTON,
}


def optics_of(acquisition: Acquisition) -> tuple[OpticalSettings, ...]:
    """Return technique, objective and wavelengths of each channel, for samples that are compared with theory.

    Returns
    -------
    tuple of OpticalSettings
        Empty where the sample is not of that kind, the path is not known, or the catalogue states an objective that
        cannot be: figures that need theory are then left out.
    """
    path, standard = acquisition.optical_path, acquisition.standard
    if path is None or standard is None or standard.kind not in COMPARED_WITH_THEORY:
        return ()
    channels = path.channels.order_by("index").values_list("excitation_nm", "emission_nm")
    lens, technique = path.objective, TECHNIQUES[path.instrument.technique]
    try:
        return tuple(
            OpticalSettings(
                technique=technique,
                numerical_aperture=lens.numerical_aperture,
                refractive_index=lens.refractive_index,
                excitation_nm=excitation,
                emission_nm=emission,
            )
            for excitation, emission in channels
        )
    except InputError:
        return ()
