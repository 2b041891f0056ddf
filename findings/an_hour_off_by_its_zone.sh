#!/usr/bin/env bash
# Babel writes an instant with its time zone. Where a zone is some hours and a half behind UTC, the offset that it writes is an hour
# off: noon in St. John's, at -03:30, is written -04:30, by each pattern with an offset, and read back the instant is another. In
# Dublin, whose summer time is the standard one in the zone data, the names are exchanged: noon in July is "12:00 GMT", in English
# and in German, which is an hour later than it was, and in January it is Irish summer time.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.18.0 tzdata==2025.2

cat > "$folder/story.py" <<'PYTHON'
from datetime import datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

print("babel", version("babel"), "tzdata", version("tzdata"))
ISO = "yyyy-MM-dd'T'HH:mm:ssxxx"
seen = []
for zone in ("America/St_Johns", "Pacific/Marquesas", "America/New_York", "Asia/Kolkata"):
    noon = datetime(2026, 1, 15, 12, tzinfo=ZoneInfo(zone))
    written = format_datetime(noon, ISO, locale="en")
    off = datetime.fromisoformat(written) - noon
    seen.append(off.total_seconds() / 3600)
    print(f"{zone}: {noon.isoformat()} is written {written}, {off} later")
for month in (1, 7):
    noon = datetime(2026, month, 15, 12, tzinfo=ZoneInfo("Europe/Dublin"))
    english = format_datetime(noon, format="long", locale="en_IE")
    german = format_datetime(noon, format="full", locale="de")
    seen += [english.rpartition(" ")[2], german.partition("12:00:00 ")[2]]
    print(f"Europe/Dublin: {noon.isoformat()} is written {english}; {german}")
expected = [1.0, 1.0, 0.0, 0.0, "IST", "Irische Sommerzeit", "GMT", "Mittlere Greenwich-Zeit"]
assert seen == expected, seen
PYTHON

PYTHONTZPATH="" "$folder/venv/bin/python" "$folder/story.py"
