"""Pages of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from metrology.views import (
    acquisitions,
    drawings,
    flags,
    fleet,
    instrument,
    power,
    protocols,
    quantities,
    series,
    upload,
)

app_name = "metrology"

urlpatterns: list[URLPattern] = [
    path("", fleet.fleet, name="fleet"),
    path("instruments/<slug:slug>/", instrument.instrument, name="instrument"),
    path("instruments/<slug:slug>/measure/", instrument.remeasure, name="instrument-measure"),
    path("instruments/<slug:slug>/measure/cancel/", instrument.remeasure_cancel, name="instrument-measure-cancel"),
    path("instruments/<slug:slug>/power/", power.readings, name="power"),
    path("instruments/<slug:slug>/power/table/", power.readings_table, name="power-table"),
    path("instruments/<slug:slug>/power.csv", power.readings_csv, name="power-csv"),
    path("power/<int:pk>/", power.record, name="power-record"),
    path("power/<int:pk>/correct/", power.correct, name="power-correct"),
    path("series/<int:pk>/", series.series, name="series"),
    path("series/<int:pk>/chart.json", series.series_chart, name="series-chart"),
    path("series/<int:pk>.csv", series.series_values, name="series-csv"),
    path("series/<int:pk>/limits/", series.series_limits, name="series-limits"),
    path("quantities/", quantities.quantity_index, name="quantity-list"),
    path("protocols/", protocols.protocol_index, name="protocol-list"),
    path("protocols/new/", protocols.protocol_new, name="protocol-new"),
    path("protocols/<int:pk>/", protocols.protocol, name="protocol"),
    path("flags/", flags.flag_inbox, name="flag-list"),
    path("flags/<int:pk>/", flags.flag, name="flag"),
    path("flags/<int:pk>/acknowledge/", flags.flag_acknowledge, name="flag-acknowledge"),
    path("flags/<int:pk>/confirm/", flags.flag_confirm, name="flag-confirm"),
    path("flags/<int:pk>/dismiss/", flags.flag_dismiss, name="flag-dismiss"),
    path("flags/<int:pk>/resolve/", flags.flag_resolve, name="flag-resolve"),
    path("flags/<int:pk>/comment/", flags.flag_comment, name="flag-comment"),
    path("upload/", upload.upload, name="upload"),
    path("acquisitions/", acquisitions.acquisition_index, name="acquisition-list"),
    path("acquisitions/<int:pk>/", acquisitions.acquisition, name="acquisition"),
    path("acquisitions/<int:pk>/drawings/", drawings.acquisition_drawings, name="acquisition-drawings"),
    path(
        "acquisitions/<int:pk>/drawings/<int:channel>/<slug:name>.csv",
        drawings.drawing_values,
        name="acquisition-drawing-csv",
    ),
    path("acquisitions/<int:pk>/state/", acquisitions.acquisition_state, name="acquisition-state"),
    path("acquisitions/<int:pk>/confirm/", acquisitions.confirm, name="acquisition-confirm"),
    path("acquisitions/<int:pk>/measure/", acquisitions.remeasure, name="acquisition-measure"),
    path("acquisitions/<int:pk>/reference/", acquisitions.make_reference, name="acquisition-reference"),
    path("references/<int:pk>/withdraw/", acquisitions.withdraw_reference, name="reference-withdraw"),
    path("acquisitions/<int:pk>/original/", acquisitions.original, name="acquisition-original"),
    path("acquisitions/<int:pk>/preview/<int:channel>/", acquisitions.preview, name="acquisition-preview"),
    path(
        "acquisitions/<int:pk>/tiles/<uuid:token>/<int:channel>/<int:z>/<int:level>/<int:row>/<int:column>/",
        acquisitions.tile,
        name="acquisition-tile",
    ),
]
