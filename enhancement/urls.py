"""Pages of this app."""

from __future__ import annotations

from django.urls import URLPattern, path

from enhancement.views import cases, models, restored, runs

app_name = "enhancement"

urlpatterns: list[URLPattern] = [
    path("cases/", cases.case_list_page, name="case-list"),
    path("cases/open/", cases.case_open, name="case-open"),
    path("cases/<int:pk>/", cases.case_page, name="case"),
    path("cases/<int:pk>/close/", cases.case_close, name="case-close"),
    path("cases/<int:pk>/train/", runs.run_start, name="run-start"),
    path("runs/<int:pk>/", runs.run_state, name="run"),
    path("runs/<int:pk>/figure/", runs.run_figure, name="run-figure"),
    path("runs/<int:pk>/history.csv", runs.run_history, name="run-history"),
    path("runs/<int:pk>/validation/<int:epoch>/", runs.run_picture, name="run-picture"),
    path("runs/<int:pk>/cancel/", runs.run_cancel, name="run-cancel"),
    path("runs/<int:pk>/resume/", runs.run_resume, name="run-resume"),
    path("models/", models.model_list_page, name="model-list"),
    path("models/<int:pk>/", models.model_page, name="model"),
    path("models/<int:pk>/release/", models.model_release, name="model-release"),
    path("models/<int:pk>/reject/", models.model_reject, name="model-reject"),
    path("restored/<int:pk>/", restored.restored_page, name="restored"),
    path("restored/<int:pk>/picture/<slug:name>/", restored.restored_picture, name="restored-picture"),
    path("restored/<int:pk>/download/", restored.restored_download, name="restored-download"),
    path("restored/<int:pk>/cancel/", restored.restored_cancel, name="restored-cancel"),
    path("acquisitions/<int:pk>/restorations/", restored.restorations_of, name="acquisition-restorations"),
    path("acquisitions/<int:pk>/restore/", restored.restore, name="restore"),
]
