"""Declarations of all quantities: names, units, which way harms, how they are charted and who computes them.

Light enough for the web process: functions are named here, not imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from common.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

Harmful = Literal["up", "down", "none"]
Transform = Literal["log", "logit", "none"]
Group = Literal["intensity", "noise", "sharpness", "texture", "reference", "beads", "field", "marbles", "scan", "power"]
Needs = Literal[
    "plane", "reference", "beads", "optics", "colours", "marbles", "frames", "dark", "mosaic", "stack", "readings"
]

DARK = "dark"
"""Kind of standard of frames without light: what is told of a sample says nothing there."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One quantity and how it is read.

    Parameters
    ----------
    id : str
        Stable name, as stored.
    name, symbol, unit : str
        As shown; the unit `1` is a pure number.
    definition : str
        One sentence.
    harmful : {"up", "down", "none"}
        Which way a change is a loss.
    transform : {"log", "logit", "none"}
        Scale on which it is charted.
    group : str
        Family, as the heat map shows it.
    function : str
        Who computes it, as `module:function`.
    reference : str
        Where the definition comes from.
    version : int
        Raised when the definition changes; a number under an old version never changes.
    needs : str
        What it is computed from: one plane ("plane", "marbles"), a plane and its reference, the beads of a z-stack, beads
        and what the optics allow ("optics"), two channels ("colours"), repeated frames ("frames"), those without light
        ("dark"), a tile scan ("mosaic"), a z-stack ("stack"), or a power meter's readings, without an image ("readings").
    standards : tuple of str
        Kinds of standard samples that it is measured on; `("any",)` for all that are lit.
    """

    id: str
    name: str
    symbol: str
    unit: str
    definition: str
    harmful: Harmful
    transform: Transform
    group: Group
    function: str
    reference: str
    version: int = 1
    needs: Needs = "plane"
    standards: tuple[str, ...] = ("any",)

    def applies_to(self, kind: str | None) -> bool:
        """Whether it is measured on a kind of standard sample; dark frames show no sample, so "any" is none of them."""
        return kind in self.standards or ("any" in self.standards and kind != DARK)


_HERE = "metrology.attributes"
_MOMENTS = "population moments"
_HARALICK = "Haralick et al. 1973; 64 levels, distance 1, mean of 4 angles"
_WANG = "Wang et al. 2004"
_PERTUZ = "Pertuz et al. 2013"
_QUAREP = "QUAREP-LiMi WG5"
_METROLOJ = "Faklaris et al. 2022 (MetroloJ_QC)"
_COUNTING = "counting"
_JANESICK = "Janesick 2007 (photon transfer)"
_POWER = "QUAREP-LiMi WG1"
_TISSUE = ("convallaria", "kidney", "beads", "multicolour_beads")
_STRUCTURED = ("marbles", *_TISSUE, "other")
_AT_REST = ("slide", "marbles", *_TISSUE)
_BEADS = ("beads",)
_COLOURS = ("multicolour_beads",)
_MARBLES = ("marbles",)

_ALL = (
    # intensity
    Attribute("mean", "mean intensity", "μ", "8-bit eq.", "Average of the pixels, full scale 255.", "down", "log",
              "intensity", f"{_HERE}.intensity:mean", _MOMENTS),
    Attribute("std", "standard deviation", "σ", "8-bit eq.", "Standard deviation of the pixels, full scale 255.",
              "none",
              "log", "intensity", f"{_HERE}.intensity:std", _MOMENTS),
    Attribute("cv", "coefficient of variation", "CV", "1", "Standard deviation over mean.", "up", "log",
              "intensity", f"{_HERE}.intensity:cv", _MOMENTS),
    Attribute("background", "background", "B", "counts", "Most frequent count below the Otsu threshold.", "up", "log",
              "intensity", f"{_HERE}.intensity:background", "Otsu 1979"),
    Attribute("saturated_fraction", "saturated pixels", "f_sat", "1", "Part of the pixels at full scale.", "up", "none",
              "intensity", f"{_HERE}.intensity:saturated_fraction", _COUNTING),
    Attribute("zero_fraction", "pixels at zero", "f_0", "1", "Part of the pixels at zero.", "up", "none",
              "intensity", f"{_HERE}.intensity:zero_fraction", _COUNTING),
    # noise
    Attribute("noise", "noise", "σ_n", "8-bit eq.", "Median of the finest diagonal wavelet details over 0.6745.", "up",
              "log", "noise", f"{_HERE}.noise:noise", "Donoho & Johnstone 1994"),
    Attribute("snr", "signal to noise", "SNR", "dB", "Mean above the Otsu threshold less background, over noise.",
              "down",
              "none", "noise", f"{_HERE}.noise:snr", "Otsu 1979; Donoho & Johnstone 1994"),
    Attribute("metroloj_cv", "variation inside beads (MetroloJ_QC)", "CV_M", "1",
              "Standard deviation over mean of the pixels inside bright objects.", "up", "log", "noise",
              f"{_HERE}.objects:metroloj_cv", _METROLOJ, standards=_COLOURS),
    # sharpness
    Attribute("sharpness", "sharpness", "MG", "8-bit eq./px", "Mean Sobel gradient modulus; noise raises it.", "down",
              "log", "sharpness", f"{_HERE}.sharpness:sharpness", "Sobel & Feldman 1968"),
    Attribute("laplacian_variance", "Laplacian variance", "LAPV", "8-bit eq.²", "Variance of the second derivative.",
              "down", "log", "sharpness", f"{_HERE}.sharpness:laplacian_variance", _PERTUZ),
    Attribute("brenner", "Brenner gradient", "BREN", "8-bit eq.²",
              "Mean squared difference of pixels two columns apart.",
              "down", "log", "sharpness", f"{_HERE}.sharpness:brenner", _PERTUZ),
    Attribute("resolution_decorrelation", "resolution (decorrelation)", "R_d", "µm",
              "Reciprocal of the highest frequency at which one image shows structure above its noise.", "up", "log",
              "sharpness", f"{_HERE}.resolution:resolution_decorrelation", "Descloux et al. 2019", standards=_TISSUE),
    Attribute("resolution_frc", "resolution (FRC, two frames)", "R_FRC", "µm",
              "Where the Fourier ring correlation of two frames falls below 1/7.", "up", "log", "sharpness",
              f"{_HERE}.resolution:resolution_frc", "Nieuwenhuizen et al. 2013", needs="frames", standards=_STRUCTURED),
    Attribute("resolution_frc_split", "resolution (FRC, one image split)", "R_1FRC", "µm",
              "Where the Fourier ring correlation of one image split like a checkerboard falls below 1/7.", "up", "log",
              "sharpness", f"{_HERE}.resolution:resolution_frc_split", "Koho et al. 2019", standards=_TISSUE),
    # misadjustments of the scanner
    Attribute("bidirectional_shift", "bidirectional shift", "δ", "px",
              "How far lines of the way back lie beside those of the way forth.", "up", "none",
              "scan", f"{_HERE}.scanning:bidirectional_shift", "Guizar-Sicairos et al. 2008", standards=_STRUCTURED),
    Attribute("linestep_index", "interpolated lines", "LSI", "1",
              "Part of the curvature across lines that lines between scanned ones lack.", "up", "none",
              "scan", f"{_HERE}.scanning:linestep_index", "definition", standards=_STRUCTURED),
    # repeated frames
    Attribute("gain_e_per_adu", "conversion gain", "K", "e⁻/ADU",
              "Photoelectrons (over excess noise) that make a count.",
              "none", "log", "noise", f"{_HERE}.frames:gain_e_per_adu", _JANESICK, needs="frames", standards=_AT_REST),
    Attribute("photobleaching", "photobleaching", "β", "%", "Signal lost from each frame to the next.", "up", "none",
              "intensity", f"{_HERE}.frames:photobleaching", "definition", needs="frames", standards=_AT_REST),
    Attribute("read_noise", "read noise", "σ_r", "counts", "Standard deviation of a pixel in the dark.", "up", "log",
              "noise", f"{_HERE}.frames:read_noise", _JANESICK, needs="dark", standards=(DARK,)),
    Attribute("offset", "offset", "o", "counts", "Mean count in the dark.", "none", "none", "intensity",
              f"{_HERE}.frames:offset", _JANESICK, needs="dark", standards=(DARK,)),
    # texture
    Attribute("glcm_homogeneity", "homogeneity", "HOM", "1", "How often neighbours have similar grey levels.", "down",
              "logit", "texture", f"{_HERE}.glcm:homogeneity", _HARALICK),
    Attribute("glcm_contrast", "texture contrast", "CON", "1", "Mean squared difference of neighbouring grey levels.",
              "none", "log", "texture", f"{_HERE}.glcm:contrast", _HARALICK),
    Attribute("glcm_dissimilarity", "dissimilarity", "DIS", "1", "Mean difference of neighbouring grey levels.", "none",
              "log", "texture", f"{_HERE}.glcm:dissimilarity", _HARALICK),
    Attribute("glcm_energy", "energy", "ENE", "1", "How few pairs of grey levels make up the plane.", "none", "logit",
              "texture", f"{_HERE}.glcm:energy", _HARALICK),
    Attribute("glcm_correlation", "texture correlation", "COR", "1", "Correlation of neighbouring grey levels.", "none",
              "none", "texture", f"{_HERE}.glcm:correlation", _HARALICK),
    Attribute("glcm_entropy", "entropy", "ENT", "nat", "How many pairs of grey levels make up the plane.", "none",
              "log",
              "texture", f"{_HERE}.glcm:entropy", _HARALICK),
    # against a reference
    Attribute("mse", "mean squared error", "MSE", "8-bit eq.²", "Mean squared difference from the reference.", "up",
              "log", "reference", f"{_HERE}.comparison:mse", "definition", needs="reference"),
    Attribute("msemg", "gradient mean squared error", "MSEMG", "8-bit eq.²/px²",
              "Mean squared difference of the gradient moduli from the reference.", "up",
              "log", "reference", f"{_HERE}.comparison:msemg", "definition", needs="reference"),
    Attribute("psnr", "peak signal to noise", "PSNR", "dB", "10·log10(255²/MSE).", "down", "none", "reference",
              f"{_HERE}.comparison:psnr", "definition", needs="reference"),
    Attribute("ssim", "structural similarity", "SSIM", "1", "Luminance × contrast × structure against the reference.",
              "down", "logit", "reference", f"{_HERE}.comparison:ssim", _WANG, needs="reference"),
    Attribute("registration_shift", "registration shift", "|s|", "µm", "Shift from the reference.", "up", "log",
              "reference", f"{_HERE}.comparison:registration_shift", "Guizar-Sicairos et al. 2008", needs="reference"),
    # beads
    Attribute("fwhm_lateral_x", "lateral FWHM, x", "FWHM_x", "µm", "Median width of the beads along x.", "up", "log",
              "beads", f"{_HERE}.beads:fwhm_lateral_x", _QUAREP, needs="beads", standards=_BEADS),
    Attribute("fwhm_lateral_y", "lateral FWHM, y", "FWHM_y", "µm", "Median width of the beads along y.", "up", "log",
              "beads", f"{_HERE}.beads:fwhm_lateral_y", _QUAREP, needs="beads", standards=_BEADS),
    Attribute("fwhm_axial", "axial FWHM", "FWHM_z", "µm", "Median width of the beads along z.", "up", "log",
              "beads", f"{_HERE}.beads:fwhm_axial", _QUAREP, needs="beads", standards=_BEADS),
    Attribute("lateral_asymmetry", "lateral asymmetry", "LAR", "1",
              "Smaller over larger lateral width, median of beads.",
              "down", "none", "beads", f"{_HERE}.beads:lateral_asymmetry", _METROLOJ, needs="beads", standards=_BEADS),
    Attribute("bead_count", "beads measured", "N", "1", "Beads that passed the selection.", "none", "none",
              "beads", f"{_HERE}.beads:bead_count", _COUNTING, needs="beads", standards=_BEADS),
    Attribute("fwhm_ratio_lateral_x", "lateral FWHM over theory, x", "FWHM_x/th", "1",
              "Median width of the beads over what theory allows.", "up", "log", "beads",
              f"{_HERE}.bead_figures:fwhm_ratio_lateral_x", _METROLOJ, needs="optics", standards=_BEADS),
    Attribute("fwhm_ratio_lateral_y", "lateral FWHM over theory, y", "FWHM_y/th", "1",
              "Median width of the beads over what theory allows.", "up", "log", "beads",
              f"{_HERE}.bead_figures:fwhm_ratio_lateral_y", _METROLOJ, needs="optics", standards=_BEADS),
    Attribute("fwhm_ratio_axial", "axial FWHM over theory", "FWHM_z/th", "1",
              "Median width of the beads over what theory allows.", "up", "log", "beads",
              f"{_HERE}.bead_figures:fwhm_ratio_axial", _METROLOJ, needs="optics", standards=_BEADS),
    Attribute("metroloj_fwhm_lateral_x", "lateral FWHM, x (MetroloJ_QC)", "FWHM_x,M", "µm",
              "Median width of 1-D Gaussians with R² ≥ 0.95 through the brightest voxels of the beads.", "up", "log",
              "beads", f"{_HERE}.bead_figures:metroloj_fwhm_lateral_x", _METROLOJ, needs="beads", standards=_BEADS),
    Attribute("metroloj_fwhm_lateral_y", "lateral FWHM, y (MetroloJ_QC)", "FWHM_y,M", "µm",
              "Median width of 1-D Gaussians with R² ≥ 0.95 through the brightest voxels of the beads.", "up", "log",
              "beads", f"{_HERE}.bead_figures:metroloj_fwhm_lateral_y", _METROLOJ, needs="beads", standards=_BEADS),
    Attribute("metroloj_fwhm_axial", "axial FWHM (MetroloJ_QC)", "FWHM_z,M", "µm",
              "Median width of 1-D Gaussians with R² ≥ 0.95 through the brightest voxels of the beads.", "up", "log",
              "beads", f"{_HERE}.bead_figures:metroloj_fwhm_axial", _METROLOJ, needs="beads", standards=_BEADS),
    Attribute("astigmatism", "astigmatism", "A", "µm",
              "Distance between the foci of rows and columns, median of beads.",
              "up", "none", "beads", f"{_HERE}.bead_figures:astigmatism", "Siegman 1993", needs="beads", standards=_BEADS),
    Attribute("axial_asymmetry", "axial asymmetry", "AA", "1",
              "Difference over sum of the half-widths above and below the focus, median of beads.", "up", "none",
              "beads", f"{_HERE}.bead_figures:axial_asymmetry", "definition", needs="beads", standards=_BEADS),
    Attribute("sbr", "signal to background", "SBR", "1", "Peak of the beads over their background, median of beads.",
              "down",
              "log", "beads", f"{_HERE}.bead_figures:sbr", _METROLOJ, needs="beads", standards=_BEADS),
    # multicolour beads, each channel against the first
    Attribute("coregistration_shift_xy", "lateral co-registration", "Δ_xy", "µm",
              "Lateral distance of a bead's images in this channel and the first.", "up", "log", "beads",
              f"{_HERE}.colours:coregistration_shift_xy", _METROLOJ, needs="colours", standards=_COLOURS),
    Attribute("coregistration_shift_z", "axial co-registration", "Δ_z", "µm",
              "Axial distance of a bead's images in this channel and the first.", "up", "none", "beads",
              f"{_HERE}.colours:coregistration_shift_z", _METROLOJ, needs="colours", standards=_COLOURS),
    Attribute("coregistration_ratio", "co-registration ratio", "Δ/R", "1",
              "Distance of a bead's images over the radius of the resolution ellipsoid in its direction.", "up", "log",
              "beads", f"{_HERE}.colours:coregistration_ratio", "MetroloJ_QC 2024", needs="colours", standards=_COLOURS),
    # marbles
    Attribute("marble_diameter", "marble diameter", "D", "µm", "Median diameter of the marbles at half height.",
              "none", "log",
              "marbles", f"{_HERE}.marble_figures:marble_diameter", "definition", needs="marbles", standards=_MARBLES),
    Attribute("marble_roundness", "marble roundness", "RND", "1", "Smaller over larger radius, median of the marbles.",
              "down", "none", "marbles", f"{_HERE}.marble_figures:marble_roundness", "definition", needs="marbles",
              standards=_MARBLES),
    Attribute("edge_width_10_90", "edge width", "w_10–90", "µm", "Rise of the marbles' edges from 10 to 90 %, median.",
              "up", "log", "marbles", f"{_HERE}.marble_figures:edge_width_10_90", "definition", needs="marbles",
              standards=_MARBLES),
    Attribute("marble_contrast", "marble contrast", "C_m", "1",
              "(Inside − outside)/(inside + outside), median of marbles.",
              "down", "none", "marbles", f"{_HERE}.marble_figures:marble_contrast", "Michelson 1927", needs="marbles",
              standards=_MARBLES),
    # z-stacks, tile scans
    Attribute("brightest_slice", "brightest slice", "z*", "1", "Slice with the highest mean, counted from 1.", "none",
              "none",
              "beads", f"{_HERE}.slices:brightest_slice", "definition", needs="stack", standards=_AT_REST),
    Attribute("axial_profile_width", "depth of the brightness", "w_z", "µm",
              "Full width at half maximum of the mean brightness over depth.", "up", "log", "field",
              f"{_HERE}.slices:axial_profile_width", _METROLOJ, needs="stack", standards=("slide",)),
    Attribute("tile_intensity_range", "range of the tiles", "r_t", "1",
              "(Brightest − dimmest)/(brightest + dimmest) of the means of the tiles.", "up", "none", "field",
              f"{_HERE}.mosaic:tile_intensity_range", "definition", needs="mosaic", standards=_AT_REST),
    Attribute("tilt_per_mm", "tilt", "∇", "%/mm", "Steepest change of brightness across the tiles of a mosaic.", "up",
              "none",
              "field", f"{_HERE}.mosaic:tilt_per_mm", "definition", needs="mosaic", standards=_AT_REST),
    Attribute("seam_contrast", "seams", "s", "1", "Step of brightness across the borders of tiles, beyond chance.",
              "up", "none",
              "field", f"{_HERE}.mosaic:seam_contrast", "definition", needs="mosaic", standards=_AT_REST),
    # homogeneous slide
    Attribute("field_uniformity", "uniformity", "U", "%", "Smallest over largest pixel.", "down", "none",
              "field", f"{_HERE}.field:uniformity", _METROLOJ, standards=("slide",)),
    Attribute("field_uniformity_robust", "robust uniformity", "U_r", "%",
              "0.1 % over 99.9 % quantile of the smoothed field.", "down", "none",
              "field", f"{_HERE}.field:uniformity_robust", _METROLOJ, standards=("slide",)),
    Attribute("field_evenness", "field uniformity (FU)", "FU", "%",
              "One minus the spread of corners and edge centres over the maximum.", "down", "none",
              "field", f"{_HERE}.field:field_uniformity", _METROLOJ, standards=("slide",)),
    Attribute("field_centring", "centring", "C", "%", "How near the brightest zone is to the centre of the field.",
              "down", "none", "field", f"{_HERE}.field:centring", _METROLOJ, standards=("slide",)),
    Attribute("corner_ratio", "corner ratio", "K", "1", "Mean of the corners over the centre.", "down", "log",
              "field", f"{_HERE}.field:corner_ratio", "definition", standards=("slide",)),
    Attribute("field_cv", "variation of the field", "CV_f", "1", "Standard deviation over mean of the raw field.",
              "up", "log",
              "field", f"{_HERE}.field:cv", _METROLOJ, standards=("slide",)),
    Attribute("field_cv_robust", "shading of the field", "CV_s", "1",
              "Standard deviation over mean of the smoothed field.",
              "up", "log", "field", f"{_HERE}.field:cv_robust", "definition", standards=("slide",)),
    Attribute("field_centring_robust", "robust centring", "C_r", "%",
              "How near the top of a paraboloid fitted to the field is to its centre.", "down", "none", "field",
              f"{_HERE}.field:centring_robust", "definition", standards=("slide",)),
    # power meter
    Attribute("laser_power", "laser power", "P", "mW", "Mean of the readings of a power meter.", "down", "log",
              "power", f"{_HERE}.power:laser_power", _POWER, needs="readings", standards=()),
    Attribute("power_stability", "power stability", "S_P", "1", "1 − (max − min)/(max + min) of the readings.", "down",
              "none", "power", f"{_HERE}.power:power_stability", _POWER, needs="readings", standards=()),
    Attribute("power_linearity", "power linearity", "R²_P", "1", "R² of a line through readings over settings.", "down",
              "none", "power", f"{_HERE}.power:power_linearity", _POWER, needs="readings", standards=()),
)  # fmt: skip

ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType({one.id: one for one in _ALL})


def attribute(attribute_id: str) -> Attribute:
    """Return the declaration of a quantity.

    Parameters
    ----------
    attribute_id : str
        Stable name, as stored.

    Returns
    -------
    Attribute
        Its declaration.

    Raises
    ------
    NotFoundError
        There is none of that name.
    """
    if attribute_id not in ATTRIBUTES:
        raise NotFoundError(
            f"There is no quantity {attribute_id}.",
            hint=f"Choose one of {', '.join(ATTRIBUTES)}.",
            attribute=attribute_id,
        )
    return ATTRIBUTES[attribute_id]


def for_standard(kind: str | None) -> tuple[Attribute, ...]:
    """Return the quantities measured on a kind of standard sample, in the order in which they are shown.

    Parameters
    ----------
    kind : str or None
        Kind of the standard sample; None for a sample that is no standard.

    Returns
    -------
    tuple of Attribute
        Those that apply to any sample that is lit and those of this kind.
    """
    return tuple(one for one in _ALL if one.applies_to(kind))
