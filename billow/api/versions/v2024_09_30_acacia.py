"""2024-09-30.acacia: alerts of usage have other names; billow has no alerts, so nothing is to translate."""

from billow.api.versions.change import Change

CHANGE = Change("2024-09-30.acacia")
