"""Fixtures of the worker's tests: the test is the worker."""

from __future__ import annotations

import pytest

from tests.factories import acquisitions, catalogue


@pytest.fixture
def no_workers(monkeypatch):
    """Nothing is sent to a queue."""
    monkeypatch.setattr("common.dispatch._send", lambda *_: None)


@pytest.fixture
def path():
    """An optical path of the only instrument of a facility that has one sample of marbles."""
    found = catalogue.optical_path()
    acquisitions.standard(found.instrument.facility, name="Marbles A")
    return found
