"""The catalogue app."""

from __future__ import annotations

from django.apps import AppConfig


class InstrumentsApp(AppConfig):
    """Facilities, people's roles, instruments, their parts and their service history."""

    name = "instruments"
