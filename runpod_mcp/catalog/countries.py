"""The country of each data center Runpod is known to have, since neither API says.

An id's prefix is no country: EU-RO-1 is in Romania, EUR-IS-1 in Iceland. A data center that is not here has none.
"""

from __future__ import annotations

_BY_COUNTRY = {
    "AU": ("OC-AU-1",),
    "CA": ("CA-MTL-1", "CA-MTL-2", "CA-MTL-3", "CA-MTL-4"),
    "CZ": ("EU-CZ-1",),
    "DK": ("EU-DK-1",),
    "FR": ("EU-FR-1",),
    "IN": ("AP-IN-1", "AP-IN-2"),
    "IS": ("EUR-IS-1", "EUR-IS-2", "EUR-IS-3", "EUR-IS-4", "EUR-IS-5"),
    "JP": ("AP-JP-1",),
    "NL": ("EU-NL-1",),
    "NO": ("EUR-NO-1", "EUR-NO-2"),
    "RO": ("EU-RO-1",),
    "SE": ("EU-SE-1", "EU-SE-2"),
    "SG": ("SEA-SG-1",),
    "US": (
        "US-CA-1",
        "US-CA-2",
        "US-CA-3",
        "US-DE-1",
        "US-GA-1",
        "US-GA-2",
        "US-IL-1",
        "US-KS-1",
        "US-KS-2",
        "US-KS-3",
        "US-MD-1",
        "US-MO-1",
        "US-MO-2",
        "US-NC-1",
        "US-NC-2",
        "US-NE-1",
        "US-OR-1",
        "US-OR-2",
        "US-PA-1",
        "US-TX-1",
        "US-TX-2",
        "US-TX-3",
        "US-TX-4",
        "US-TX-5",
        "US-TX-6",
        "US-WA-1",
    ),
}

COUNTRIES = {data_center: country for country, ids in _BY_COUNTRY.items() for data_center in ids}
"""Data center id to ISO 3166 alpha-2 code; v1's document lists 26 of them, the rest was seen live in 2026."""


def country_of(data_center_id: str) -> str | None:
    """The country of a data center, or None where it is not known."""
    return COUNTRIES.get(data_center_id)
