#!/usr/bin/env bash
# An instant with seven digits of a second, as .NET writes them, is rounded by msgspec to the six that Python keeps, and cut
# off by Python itself and by pydantic. So the last instant of a year, 23:59:59.9999999, sent as the end
# of a period, is in the next year for a program that reads JSON with msgspec, and in the old year for one that does not: the
# same event is billed in another month. A time without a date goes round to 00:00:00.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check msgspec==0.21.1 pydantic==2.14.4

cat > "$folder/story.py" <<'PYTHON'
import sys
from datetime import datetime, time

import msgspec
import pydantic

SENT = "2026-12-31T23:59:59.9999999Z"

print("python", sys.version.split()[0], "- msgspec", msgspec.__version__, "- pydantic", pydantic.VERSION)
print("sent:", SENT)
read = {
    "datetime.fromisoformat": datetime.fromisoformat(SENT),
    "pydantic": pydantic.TypeAdapter(datetime).validate_json(f'"{SENT}"'),
    "msgspec": msgspec.json.decode(f'"{SENT}"', type=datetime),
}
for name, instant in read.items():
    print(f"{name} reads {instant}")
alone = msgspec.json.decode(b'"23:59:59.9999999"', type=time)
print("msgspec reads the time 23:59:59.9999999 as", alone)
seen = [instant.year for instant in read.values()]
sys.exit(0 if (seen, alone) == ([2026, 2026, 2027], time(0)) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py"
# Output seen:
#   python 3.11.7 - msgspec 0.21.1 - pydantic 2.14.4
#   sent: 2026-12-31T23:59:59.9999999Z
#   datetime.fromisoformat reads 2026-12-31 23:59:59.999999+00:00
#   pydantic reads 2026-12-31 23:59:59.999999+00:00
#   msgspec reads 2027-01-01 00:00:00+00:00
#   msgspec reads the time 23:59:59.9999999 as 00:00:00
