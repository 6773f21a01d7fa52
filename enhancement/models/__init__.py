"""Tables of restoration: the case, its data, its training, its models and what they restored."""

from __future__ import annotations

from enhancement.models.case import Case, CaseState
from enhancement.models.restoration import ModelState, RestorationModel, RestoredImage
from enhancement.models.training import PairSource, TrainingRun, TrainingSet

__all__ = [
    "Case",
    "CaseState",
    "ModelState",
    "PairSource",
    "RestorationModel",
    "RestoredImage",
    "TrainingRun",
    "TrainingSet",
]
