"""Beads by PyPI's `microscopemetrics`, run in its own environment: `python microscopemetrics_beads.py STACK.npy X_UM Z_UM`.

Prints one line of JSON: seconds of the analysis (imports and reading left out), beads found valid, median widths [µm].
"""

from __future__ import annotations

import json
import sys
import time

import microscopemetrics as mm
import microscopemetrics_schema.datamodel as schema
import numpy as np
from microscopemetrics.analyses import numpy_to_mm_image, psf_beads


def main() -> None:
    """Measure one stack."""
    path, pixel_size_um, z_step_um = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    image = numpy_to_mm_image(np.load(path)[None, ..., None], name="beads", channel_names=["0"])
    image.voxel_size_x_micron = image.voxel_size_y_micron = pixel_size_um
    image.voxel_size_z_micron = z_step_um
    dataset = schema.PSFBeadsDataset(
        name="beads",
        microscope=schema.Microscope(name="simulated"),
        input_data=schema.PSFBeadsInputData(psf_beads_images=[image]),
        input_parameters=schema.PSFBeadsInputParameters(bit_depth=12),
    )
    started = time.perf_counter()
    psf_beads.analyse_psf_beads(dataset)
    seconds = time.perf_counter() - started
    (found,) = dataset.output.key_measurements
    widths = [found[f"fwhm_micron_{axis}_median"] for axis in "zyx"]
    print(json.dumps({
        "version": mm.__version__, "seconds": seconds, "beads": int(found.considered_valid_count), "fwhm_zyx_um": widths,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
