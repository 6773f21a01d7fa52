"""Signing in, by page and by token, at a pace that guessing cannot bear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import LoginView
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.throttling import AnonRateThrottle

from common.errors import TooManyAttemptsError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class SignInThrottle(AnonRateThrottle):
    """Ten attempts a minute from one address, pages and tokens together."""

    scope = "sign-in"


class SignIn(LoginView):
    """The sign-in page."""

    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse the eleventh attempt within a minute."""
        if not SignInThrottle().allow_request(request, self):  # type: ignore[arg-type]  # a Django request serves as well
            raise TooManyAttemptsError(
                "Too many attempts to sign in from this address.", hint="Wait a minute, then try again."
            )
        return super().post(request, *args, **kwargs)


class Token(ObtainAuthToken):
    """The token of a user, for programs."""

    throttle_classes = (SignInThrottle,)
