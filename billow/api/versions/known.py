"""List the versions of Stripe's API that billow speaks, and those that an SDK may be pinned to."""

from billow.core.errors import require
from billow.store.outbox import API_VERSION

KNOWN = (
    "2020-08-27",
    "2022-08-01",
    "2022-11-15",
    "2023-08-16",
    "2023-10-16",
    "2024-04-10",
    "2024-06-20",
    "2024-09-30.acacia",
    "2024-10-28.acacia",
    "2024-11-20.acacia",
    "2024-12-18.acacia",
    "2025-01-27.acacia",
    "2025-02-24.acacia",
    "2025-03-01.dashboard",
    "2025-03-31.basil",
    "2025-04-30.basil",
    "2025-05-28.basil",
    "2025-06-30.basil",
    "2025-07-30.basil",
    "2025-08-27.basil",
    "2025-09-30.clover",
    "2025-10-29.clover",
    "2025-11-17.clover",
    "2025-12-15.clover",
    "2026-01-28.clover",
    "2026-02-25.clover",
    "2026-03-25.dahlia",
    "2026-04-22.dahlia",
    "2026-05-27.dahlia",
    "2026-06-24.dahlia",
    "2026-07-29.dahlia",
    "2026-08-26.dahlia",
    "2026-09-30.endive",
    "2026-10-28.endive",
)
"""From the oldest to the newest. A name is a date and the name of its release: as text they sort by date."""
NEWEST = KNOWN[-1]
if NEWEST != API_VERSION:
    raise RuntimeError(f"events are written as {API_VERSION}, and the newest version is {NEWEST}")


def checked(version: str, param: str | None = None) -> str:
    """Return a version that billow speaks; refuse any other as Stripe does."""
    require(version in KNOWN, f"Invalid Stripe API version: {version}", param=param)
    return version
