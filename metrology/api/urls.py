"""Addresses of this app under /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, path

from metrology.api.acquisitions import AcquisitionViewSet
from metrology.api.figures import acquisition_figures
from metrology.api.flags import FlagViewSet
from metrology.api.fleet import InstrumentViewSet
from metrology.api.limits import SeriesLimitsViewSet
from metrology.api.power import PowerViewSet
from metrology.api.protocols import ProtocolViewSet
from metrology.api.quantities import quantity_list
from metrology.api.references import ReferenceViewSet
from metrology.api.series import SeriesViewSet
from metrology.api.standards import StandardViewSet
from metrology.api.uploads import UploadListView, UploadView

urlpatterns: list[URLPattern] = [
    path("acquisitions/", AcquisitionViewSet.as_view({"get": "list", "post": "create"}), name="api-acquisition-list"),
    path(
        "acquisitions/<int:pk>/",
        AcquisitionViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-acquisition",
    ),
    path(
        "acquisitions/<int:pk>/measure/",
        AcquisitionViewSet.as_view({"post": "measure"}),
        name="api-acquisition-measure",
    ),
    path(
        "acquisitions/<int:pk>/original/",
        AcquisitionViewSet.as_view({"get": "original"}),
        name="api-acquisition-original",
    ),
    path("acquisitions/<int:pk>/figures/", acquisition_figures, name="api-acquisition-figures"),
    path("uploads/", UploadListView.as_view(), name="api-upload-list"),
    path("uploads/<uuid:upload_id>/", UploadView.as_view(), name="api-upload"),
    path("instruments/", InstrumentViewSet.as_view({"get": "list"}), name="api-instrument-list"),
    path("instruments/<slug:slug>/", InstrumentViewSet.as_view({"get": "retrieve"}), name="api-instrument"),
    path(
        "instruments/<slug:slug>/measure/",
        InstrumentViewSet.as_view({"get": "measuring", "post": "measure"}),
        name="api-instrument-measure",
    ),
    path(
        "instruments/<slug:slug>/measure/cancel/",
        InstrumentViewSet.as_view({"post": "measure_cancel"}),
        name="api-instrument-measure-cancel",
    ),
    path(
        "instruments/<slug:slug>/power/",
        PowerViewSet.as_view({"get": "list", "post": "create"}),
        name="api-power-list",
    ),
    path("instruments/<slug:slug>/power/table/", PowerViewSet.as_view({"post": "table"}), name="api-power-table"),
    path("instruments/<slug:slug>/power/values.csv", PowerViewSet.as_view({"get": "values"}), name="api-power-csv"),
    path("power/<int:pk>/", PowerViewSet.as_view({"get": "retrieve"}), name="api-power"),
    path("power/<int:pk>/correct/", PowerViewSet.as_view({"post": "correct"}), name="api-power-correct"),
    path("series/", SeriesViewSet.as_view({"get": "list"}), name="api-series-list"),
    path("series/<int:pk>/", SeriesViewSet.as_view({"get": "retrieve"}), name="api-series"),
    path("series/<int:pk>/values.csv", SeriesViewSet.as_view({"get": "values"}), name="api-series-csv"),
    path(
        "series/<int:pk>/limits/",
        SeriesLimitsViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="api-series-limits",
    ),
    path("attributes/", quantity_list, name="api-attribute-list"),
    path("standards/", StandardViewSet.as_view({"get": "list", "post": "create"}), name="api-standard-list"),
    path(
        "standards/<int:pk>/",
        StandardViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="api-standard",
    ),
    path("protocols/", ProtocolViewSet.as_view({"get": "list", "post": "create"}), name="api-protocol-list"),
    path("protocols/<int:pk>/", ProtocolViewSet.as_view({"get": "retrieve"}), name="api-protocol"),
    path("references/", ReferenceViewSet.as_view({"get": "list", "post": "create"}), name="api-reference-list"),
    path("references/<int:pk>/", ReferenceViewSet.as_view({"get": "retrieve"}), name="api-reference"),
    path(
        "references/<int:pk>/withdraw/",
        ReferenceViewSet.as_view({"post": "withdraw"}),
        name="api-reference-withdraw",
    ),
    path("flags/", FlagViewSet.as_view({"get": "list"}), name="api-flag-list"),
    path("flags/<int:pk>/", FlagViewSet.as_view({"get": "retrieve"}), name="api-flag"),
    *[
        path(f"flags/<int:pk>/{step}/", FlagViewSet.as_view({"post": step}), name=f"api-flag-{step}")
        for step in ("acknowledge", "confirm", "dismiss", "resolve", "comment")
    ],
]
