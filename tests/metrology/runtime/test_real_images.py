"""Real files of real microscopes go the whole way in."""

from __future__ import annotations

import pytest

from common import jobs
from common.models import JobState
from metrology.models import Acquisition, StandardKind, Validity
from metrology.runtime.measuring import measure
from metrology.selectors.figures import figures_of
from metrology.services.ingest import acquisition_ingest
from tests.factories import acquisitions, catalogue

pytestmark = [pytest.mark.django_db, pytest.mark.real_data]


def measured(path, kind, monkeypatch):
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)
    optical_path = catalogue.optical_path()
    facility = optical_path.instrument.facility
    row = acquisition_ingest(
        facility=facility,
        source=path,
        original_name=path.name,
        optical_path=optical_path,
        standard=acquisitions.standard(facility, kind=kind),
        acquired_at=catalogue.START,
    ).acquisition
    jobs.run(Acquisition, row.pk, measure)
    row.refresh_from_db()
    return row


def test_a_real_bead_stack_is_as_wide_as_an_independent_fit_found(real_data, monkeypatch):
    """Golden: a plain Gaussian fit through the brightest voxel of four beads gave 0.16 µm (x, median)."""
    row = measured(real_data / "beads" / "mpi_four_beads.tif", StandardKind.BEADS, monkeypatch)
    assert (row.state, row.error_message) == (JobState.DONE, "")
    assert (row.size_z, row.pixel_size_um, row.z_step_um) == (41, 0.022491858, 0.125)
    widths = row.measurements.filter(series__attribute_id="fwhm_lateral_x").values_list("value", flat=True)
    assert list(widths) == [pytest.approx(0.16, rel=0.15)]
    (drawn,) = figures_of(row)["channels"]
    assert drawn["beads"]["psf"]["profiles"]["x"]["gaussian"]["fwhm_um"] == pytest.approx(0.16, rel=0.15)
    assert len(drawn["beads"]["measured"]) == 4


def test_a_real_zeiss_field_is_charted_with_its_uniformity(real_data, monkeypatch):
    """Golden: MetroloJ_QC finds a uniformity of 69.33 %."""
    row = measured(real_data / "field" / "lsm_homogeneous_488.tif", StandardKind.SLIDE, monkeypatch)
    assert row.validity == Validity.VALID
    uniformity = row.measurements.get(series__attribute_id="field_uniformity").value
    assert uniformity == pytest.approx(69.33, abs=0.5)
    brightest = figures_of(row)["channels"][0]["field"]["top_yx_px"]
    assert brightest == pytest.approx([219, 305], abs=12)  # where MetroloJ_QC finds the brightest region
