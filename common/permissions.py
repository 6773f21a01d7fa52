"""Roles, in the order of what they may do."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """What a member of a facility may do: each role includes the ones before it."""

    VIEWER = "viewer", "viewer"
    OPERATOR = "operator", "operator"
    STAFF = "staff", "staff"


_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.STAFF: 2}


def includes(role: str, needed: Role) -> bool:
    """Say whether `role` may do what `needed` may."""
    return _RANK[Role(role)] >= _RANK[needed]
