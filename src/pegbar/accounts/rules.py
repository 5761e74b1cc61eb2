"""Access rules of sessions. Source: spec accounts, "2FA setup gate"."""

from dataclasses import replace

from pegbar.core.http.access import authenticated, person_identity

#: Open while a second factor is still to be set up.
SIGNED_IN = replace(authenticated, during_setup=True)
A_PERSON = replace(person_identity, during_setup=True)
REFRESHING = replace(A_PERSON, text="a person, with a refresh token", opened_by="refresh")
