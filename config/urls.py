"""Addresses."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config.accounts import SignIn, Token

admin.site.site_header = "Strehl catalogue"
admin.site.site_title = "Strehl"

api = [
    path("", include("instruments.api.urls")),
    path("", include("metrology.api.urls")),
    path("", include("enhancement.api.urls")),
    path("token/", login_not_required(Token.as_view()), name="api-token"),
    path("schema/", login_not_required(SpectacularAPIView.as_view()), name="api-schema"),
]

urlpatterns = [
    path("", include("metrology.urls")),
    path("", include("instruments.urls")),
    path("", include("enhancement.urls")),
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="api-schema"), name="api-docs"),
]

handler400 = "config.error_pages.bad_request"
handler403 = "config.error_pages.permission_denied"
handler404 = "config.error_pages.not_found"
handler500 = "config.error_pages.server_error"
