"""A facility and the people in it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from common.permissions import Role


class Facility(models.Model):
    """A microscopy facility: everything in Strehl belongs to one."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=60, unique=True)

    class Meta:
        verbose_name_plural = "facilities"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do in a facility."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    facility = models.ForeignKey(Facility, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)

    class Meta:
        ordering = ["facility", "user"]
        constraints = [models.UniqueConstraint(fields=["user", "facility"], name="one_role_per_facility")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} · {self.facility}"
