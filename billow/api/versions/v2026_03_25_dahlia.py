"""2026-03-25.dahlia: the speed of bank debits and the look of checkout, which billow does not have."""

from billow.api.versions.change import Change

CHANGE = Change("2026-03-25.dahlia")
