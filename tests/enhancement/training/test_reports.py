from __future__ import annotations

import json

import numpy as np

from enhancement.training.reports import EpochReport, ValidationImage


def test_a_report_survives_being_stored_as_json_without_its_pixels() -> None:
    plane = np.zeros((2, 2), np.float32)
    report = EpochReport(
        epoch=1,
        epochs_planned=9,
        seconds=2.0,
        elapsed_s=3.0,
        eta_s=4.0,
        learning_rate=0.1,
        train_losses={"l1": 0.5},
        validation_losses={"l1": 0.6},
        validation_psnr_db=30.0,
        validation_ssim=0.9,
        is_best=True,
        image=ValidationImage("a", plane, plane, plane),
    )
    assert EpochReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report.without_image()
