"""A restored backup is the installation as it was, whatever happened meanwhile; a damaged one is refused.

BILLOW_RESTORE_KILLS makes the test of killed restores longer, BILLOW_SEED repeats it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import psycopg_pool
import pytest

from billow import settings
from billow.__main__ import database as opening
from billow.core.payments import Charge, Succeeded
from billow.providers.gateways.simulated import Simulated
from billow.store import backup as backups
from billow.store import migrate
from billow.store.backup import CannotBackUp, Installation
from billow.store.backup_file import DUMP, MANIFEST, SEAL, Damaged, Manifest, Reader, Writer
from billow.store.clocks import utc_now
from billow.store.embedded import Embedded
from billow.store.jobs import run_due
from billow.store.programs import ProgramFailed
from billow.store.restore import CannotRestore, Target, claimed, restored
from billow.store.tx import Database
from billow.store.unfinished import MARK, Unfinished
from billow.store.work import Worker
from tests.conftest import Api
from tests.reliability.installations import Place, disagreements, new_caller, subscribe
from tests.support import invariants
from tests.support.installation import new_database
from tests.test_schema import describe, differences

KILLS = int(os.environ.get("BILLOW_RESTORE_KILLS", "1"))
SEED = int(os.environ.get("BILLOW_SEED", str(random.randrange(10**6))))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(server_url: str, tmp_path: Path) -> Place:
    return Place(tmp_path / "one", new_database(server_url))


@pytest.fixture
def empty(server_url: str, tmp_path: Path) -> Place:
    """Where to restore to."""
    return Place(tmp_path / "two", new_database(server_url))


def billow(place: Place, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **place.environment(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "billow", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


# ------------------------------------------------------------------------------------- what comes back


def test_a_restored_installation_renews_whom_it_had(place: Place, empty: Place, tmp_path: Path) -> None:
    with place.opened() as app:
        subscribe(new_caller(app), 3)
    (place.data / "notes.txt").write_text("what nobody knows is state, too")
    manifest = place.backup(tmp_path / "backup")
    assert set(manifest.files) >= {DUMP, "data/pepper", "data/gateway.sqlite", "data/notes.txt"}
    assert (manifest.pepper, manifest.tables["subscriptions"], manifest.tables["invoices"]) == ("file", 3, 3)
    empty.restore(tmp_path / "backup")
    assert differences(describe(place.url), describe(empty.url)) == []
    everything = "select t::text as row from {} t"
    for table in manifest.tables:
        every = everything.format(table) + " where kind !~ 'prune|cards|statements'" * (table == "jobs")
        assert sorted(place.rows(every)) == sorted(empty.rows(every)), table
    for name in ("pepper", "notes.txt"):
        assert (empty.data / name).read_bytes() == (place.data / name).read_bytes()
        assert (empty.data / name).stat().st_mode & 0o777 == 0o600
    with empty.opened() as app:
        tenant = str(empty.rows("select tenant from subscriptions limit 1")[0][0])
        app.db.wall = lambda: utc_now() + timedelta(days=32)
        run_due(app.db, clock="wall", until=app.db.wall(), lane="billing")
        paid = "select count(*) from invoices where billing_reason = 'subscription_cycle'"
        assert empty.rows(paid) == [(3,)]
        assert disagreements(app, tenant, empty.data / "gateway.sqlite") == []


def test_a_backup_while_cards_are_charged_loses_and_doubles_nothing(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    """The gateway is slow: at any instant some charges are taken and not booked, or are just asked for."""
    with place.opened() as app:
        api = new_caller(app)
        [customer] = subscribe(api)
        slow = Simulated(place.data / "gateway.sqlite", latency=0.02)
        app.db.outside = replace(app.db.outside, gateways={"test": slow})
        enough = threading.Event()
        buyers = [threading.Thread(target=buy, args=(api, customer, enough)) for _ in range(3)]
        for buyer in buyers:
            buyer.start()
        time.sleep(0.3)
        place.backup(tmp_path / "backup")
        enough.set()
        for buyer in buyers:
            buyer.join()
        made = place.rows("select count(*) from attempts")[0][0]
    empty.restore(tmp_path / "backup")
    kept = empty.rows("select count(*) from attempts")[0][0]
    assert 1 < kept < made, "the backup was made in the middle"
    with empty.opened() as app:
        app.db.wall = lambda: utc_now() + timedelta(minutes=3)
        run_due(app.db, clock="wall", until=app.db.wall(), lane="outside")
        assert disagreements(app, api.tenant, empty.data / "gateway.sqlite") == []
        invariants.check_all(app.db, api.tenant)


def buy(api: Api, customer: str, enough: threading.Event) -> None:
    method = api.get(f"/v1/customers/{customer}")["invoice_settings"]["default_payment_method"]
    form = {"amount": "700", "currency": "usd", "customer": customer, "payment_method": method}
    while not enough.is_set():
        answer = api.post("/v1/payment_intents", {**form, "confirm": "true", "off_session": "true"})
        assert answer.get("status") == "succeeded", answer


def test_the_gateway_agrees_with_books_that_are_older_or_younger(tmp_path: Path) -> None:
    from billow.providers.gateways.simulated_answers import Known

    memory = Simulated(tmp_path / "gateway.sqlite")
    kept = memory.charge(Charge("kept", 1000, "usd", "pm_card_visa", True))
    memory.charge(Charge("unknown", 500, "usd", "pm_card_visa", True))
    books = [
        Known("kept", "charge", 1000, "usd", "pm_card_visa", "succeeded"),
        Known("only_booked", "charge", 300, "usd", "pm_card_visa", "succeeded"),
        Known("refused", "charge", 300, "usd", "pm_card_visa", "failed"),
        Known("under_way", "charge", 300, "usd", "pm_card_visa", "processing"),
    ]
    assert memory.agree_with(books) == (1, 1)
    assert memory.look_up("kept") == kept
    assert [memory.look_up(id) for id in ("unknown", "refused", "under_way")] == [None, None, None]
    again = Simulated(tmp_path / "other.sqlite").charge(
        Charge("only_booked", 300, "usd", "pm_card_visa", True)
    )
    assert memory.look_up("only_booked") == again and isinstance(again, Succeeded)
    assert memory.agree_with(books) == (0, 0)


# ------------------------------------------------------------------------------------- who is kept out


def test_no_worker_takes_a_job_before_the_restore_is_over(place: Place, empty: Place, tmp_path: Path) -> None:
    """It took 400 of 400 timers whose subscriptions were not loaded yet, and forgot them."""
    with place.opened() as app:
        subscribe(new_caller(app), 4)
        with app.db.connection() as conn:
            conn.execute("update jobs set run_at = %s where kind = 'subscription.renew'", (app.db.wall(),))
    timers = "select kind, ref, run_at from jobs order by 1, 2"
    place.backup(tmp_path / "backup")
    with empty.restored(tmp_path / "backup") as url:
        elsewhere = Place(tmp_path / "other machine", empty.url)
        for here in (empty, elsewhere):
            with pytest.raises(Unfinished, match="under way"), opening(settings.load(here.environment())):
                pass
        with pytest.raises(Unfinished, match="under way"):
            migrate.migrate(empty.url)
        done = billow(elsewhere, "work")
        assert done.returncode == 2 and "restore" in done.stdout, done
        late = Database(empty.url)
        late.connections.patience = 1
        with pytest.raises(psycopg_pool.PoolTimeout), late.connection():
            pass
        late.close()
        with psycopg.connect(url) as conn:
            assert conn.execute("select count(*) from billow.jobs").fetchone() != (0,)
    assert empty.rows(timers) == place.rows(timers)
    assert billow(empty, "check", "--repair").returncode == 0


CONNECTED = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and backend_type = 'client backend'"
)


def test_a_restore_waits_for_no_worker_that_is_there_already(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    with place.opened():
        place.backup(tmp_path / "backup")
    db = Database(empty.url)
    worker = Worker(db)
    worker.start()
    try:
        with psycopg.connect(empty.url, autocommit=True) as conn:
            while conn.execute(CONNECTED).fetchone() == (0,):
                time.sleep(0.01)
        with pytest.raises(CannotRestore, match="connected"):
            empty.restore(tmp_path / "backup")
    finally:
        worker.stop()
        db.close()
    empty.restore(tmp_path / "backup")


def test_what_is_there_is_not_overwritten(place: Place, empty: Place, tmp_path: Path) -> None:
    with place.opened():
        place.backup(tmp_path / "backup")
    before = describe(place.url)
    with pytest.raises(Unfinished, match="not empty"):
        Place(place.data, empty.url).restore(tmp_path / "backup")
    with pytest.raises(CannotRestore, match="not empty"):
        Place(empty.data, place.url).restore(tmp_path / "backup")
    assert describe(place.url) == before
    assert sorted(empty.data.iterdir()) == [] and (place.data / "pepper").exists()


def test_the_pepper_must_be_the_one_of_the_backup(place: Place, empty: Place, tmp_path: Path) -> None:
    secret = b"0123456789abcdef"
    with place.opened():
        backups.take(Installation(place.url, place.data, secret), tmp_path / "backup", utc_now())
    with Reader(tmp_path / "backup") as backup:
        for given in (None, b"another secret of 16"):
            with (
                pytest.raises(CannotRestore, match="BILLOW_PEPPER"),
                restored(backup, Target(empty.data, None, empty.url, given)),
            ):
                pass
        with restored(backup, Target(empty.data, None, empty.url, secret)):
            pass


def test_a_login_that_is_bound_by_row_level_security_is_refused(
    place: Place, server_url: str, tmp_path: Path
) -> None:
    """Its dump would hold no rows, or be an error in the middle."""
    with psycopg.connect(server_url, autocommit=True) as conn:
        conn.execute("drop role if exists plain_login")
        conn.execute("create role plain_login login")
    url = place.url.replace("postgres@", "plain_login@")
    with pytest.raises(CannotBackUp, match="BYPASSRLS"):
        backups.take(Installation(url, place.data, None), tmp_path / "backup", utc_now())
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- all or nothing


def test_a_backup_that_fails_leaves_the_former_one(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backup"
    with place.opened():
        place.backup(file)
    whole = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    (place.data / "link").symlink_to("elsewhere")
    with pytest.raises(CannotBackUp, match="link"):
        place.backup(file)
    (place.data / "link").unlink()
    (place.data / "pepper").rename(tmp_path / "pepper")
    with pytest.raises(CannotBackUp, match="pepper"):
        place.backup(file)
    with pytest.raises(CannotBackUp, match="inside"):
        place.backup(place.data / "backup")
    with pytest.raises(CannotBackUp, match="nothing"):
        backups.take(Installation(new_database(place.url), place.data, None), file, utc_now())
    assert file.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "one", "pepper"]


def rewritten(file: Path, target: Path, manifest: Manifest, dump: bytes | None = None) -> None:
    """A whole backup file with another manifest, or another dump."""
    with Reader(file) as backup, target.open("w+b") as stream:
        writer = Writer(stream)
        for name in backup.manifest.files:
            writer.add(name, [dump] if dump is not None and name == DUMP else backup.pieces(name))
        writer.finish(replace(manifest, files=writer.sums.copy()))


def test_a_restore_that_fails_leaves_nothing(place: Place, empty: Place, tmp_path: Path) -> None:
    with place.opened():
        manifest = place.backup(tmp_path / "backup")
    with Reader(tmp_path / "backup") as backup:
        dump = b"".join(backup.pieces(DUMP))
    more = {**manifest.tables, "accounts": 7}
    rewritten(tmp_path / "backup", tmp_path / "miscounted", replace(manifest, tables=more))
    rewritten(tmp_path / "backup", tmp_path / "cut off", manifest, dump[: len(dump) * 2 // 3])
    rewritten(tmp_path / "backup", tmp_path / "newer", replace(manifest, migration=9999))
    failures = {
        "miscounted": (CannotRestore, "accounts"),
        "cut off": (ProgramFailed, "pg_restore"),
        "newer": (CannotRestore, "9999"),
    }
    for name, (kind, said) in failures.items():
        with pytest.raises(kind, match=said):
            empty.restore(tmp_path / name)
        assert nothing_is_left(empty) == [], name
    with pytest.raises(ZeroDivisionError), empty.restored(tmp_path / "backup"):
        raise ZeroDivisionError  # what is looked at in the end was not sound
    assert nothing_is_left(empty) == []
    empty.restore(tmp_path / "backup")


def nothing_is_left(place: Place) -> list[str]:
    files = [path.name for path in place.data.iterdir()] if place.data.exists() else []
    schemas = place.rows("select nspname from pg_namespace where nspname like 'billow%'")
    return files + [str(name) for (name,) in schemas]


@pytest.fixture
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with an embedded database, where another system user may pass."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="billow-restored-"))
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


def test_a_restore_that_is_killed_is_not_taken_for_a_whole_one(
    place: Place, embedded: Path, tmp_path: Path
) -> None:
    print(f"BILLOW_SEED={SEED} BILLOW_RESTORE_KILLS={KILLS}")
    chance = random.Random(SEED)
    with place.opened() as app:
        subscribe(new_caller(app), 2)
    manifest = place.backup(tmp_path / "backup")
    environment = {**os.environ, "BILLOW_DATA": str(embedded), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "billow"]
    for _ in range(KILLS):
        process = subprocess.Popen(
            [*command, "restore", str(tmp_path / "backup")], env=environment, stdout=subprocess.DEVNULL
        )
        mark = embedded / MARK
        while process.poll() is None and not mark.exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        asked = subprocess.run(
            [*command, "check"], env=environment, capture_output=True, text=True, check=False
        )
        assert asked.returncode == 2 and "cut off" in asked.stdout, asked
    cluster = embedded / "postgres" / "cluster"
    for left in embedded.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    stopped = subprocess.Popen(
        [*command, "restore", str(tmp_path / "backup")], env=environment, stdout=subprocess.DEVNULL
    )
    while not cluster.exists():
        assert stopped.poll() is None
        time.sleep(0.01)
    stopped.terminate()
    assert stopped.wait(60) == 128 + signal.SIGTERM
    assert list(embedded.iterdir()) == [] and servers_of(embedded) == []
    done = subprocess.run(
        [*command, "restore", str(tmp_path / "backup")], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done
    server = Embedded(embedded / "postgres")
    server.start()
    with psycopg.connect(server.url) as conn:
        found = backups.counts(conn)
    server.stop()
    assert {**found, "jobs": 0} == {**manifest.tables, "jobs": 0}
    assert servers_of(embedded) == []


def servers_of(folder: Path) -> list[str]:
    found = [path.parent / "cmdline" for path in Path("/proc").glob("[0-9]*/cmdline")]
    said = []
    for path in found:
        try:
            words = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and "postgres" in words.split("\0")[0]:
            said.append(words)
    return said


def test_what_somebody_put_beside_a_restore_that_was_killed_is_left(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    """The next run removed all that it found."""
    with place.opened():
        (place.data / "outbox").mkdir()
        (place.data / "outbox/letter.eml").write_text("Dear Ann")
        place.backup(tmp_path / "backup")
    restored_in_part(empty, tmp_path / "backup")
    theirs = [empty.data / "notes.txt", empty.data / "outbox/mine.eml", empty.data / "postgres/key"]
    for path in theirs:
        path.parent.mkdir(exist_ok=True)
        path.write_text("what nobody else has")
        with pytest.raises(CannotRestore, match=f"{path.relative_to(empty.data)}.*Nothing was removed"):
            empty.restore(tmp_path / "backup")
        assert path.exists() and (empty.data / "outbox/letter.eml").exists()
        path.unlink()
    empty.restore(tmp_path / "backup")
    assert (empty.data / "outbox/letter.eml").read_text() == "Dear Ann"


def restored_in_part(place: Place, file: Path) -> None:
    """Leave a folder as a restore does that is killed after its first files."""
    with Reader(file) as backup, claimed(Target(place.data, None, place.url, None), backup.manifest):
        backup.unpack(place.data)
        mark = (place.data / MARK).read_bytes()
    (place.data / "pepper").unlink()
    (place.data / MARK).write_bytes(mark)


def test_what_comes_while_a_restore_fails_is_left(place: Place, empty: Place, tmp_path: Path) -> None:
    with place.opened():
        place.backup(tmp_path / "backup")
    with pytest.raises(IsADirectoryError), empty.restored(tmp_path / "backup"):
        (empty.data / "notes.txt").write_text("what nobody else has") and empty.data.read_bytes()
    assert [path.name for path in empty.data.iterdir()] == ["notes.txt"]


# ------------------------------------------------------------------------------------- damage


def test_every_flipped_byte_is_noticed(place: Place, tmp_path: Path) -> None:
    """Or it is one of those that mean nothing, and all that a restore reads is as it was."""
    with place.opened():
        place.backup(tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    contents = everything(tmp_path / "backup")
    chance = random.Random(SEED)
    spots = [whole.index(name.encode()) for name in (DUMP, "data/pepper", MANIFEST, SEAL)]
    places = [spot + offset for spot in spots for offset in (0, 1, 124, 148, 512, 520)]
    places += [chance.randrange(len(whole)) for _ in range(150)]
    noticed = 0
    for spot in places:
        damaged = bytearray(whole)
        damaged[spot] ^= 1 << chance.randrange(8)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            assert everything(tmp_path / "damaged") == contents, f"byte {spot}, BILLOW_SEED={SEED}"
        except Damaged:
            noticed += 1
    assert noticed > len(places) * 0.7


def everything(file: Path) -> dict[str, bytes]:
    """All that a restore reads of a file that it has verified."""
    with Reader(file) as backup:
        backup.verify()
        names = [*backup.manifest.files]
        return {name: b"".join(backup.pieces(name)) for name in names} | {
            MANIFEST: json.dumps(backup.manifest.tables).encode()
        }


def test_the_part_that_is_damaged_is_named(place: Place, empty: Place, tmp_path: Path) -> None:
    with place.opened():
        place.backup(tmp_path / "backup")
    whole = bytearray((tmp_path / "backup").read_bytes())
    pepper = (place.data / "pepper").read_bytes()
    whole[whole.index(pepper) + 5] ^= 1
    (tmp_path / "damaged").write_bytes(whole)
    with pytest.raises(Damaged, match="data/pepper"):
        empty.restore(tmp_path / "damaged")
    asked = billow(empty, "restore", "--verify", str(tmp_path / "damaged"))
    assert asked.returncode == 2 and "data/pepper" in asked.stdout
    assert billow(empty, "restore", "--verify", str(tmp_path / "backup")).returncode == 0
    for share in (0.1, 0.5, 0.9, 0.999):
        (tmp_path / "damaged").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(Damaged):
            empty.restore(tmp_path / "damaged")
    assert nothing_is_left(empty) == []


def test_a_backup_inside_of_what_is_to_be_restored_is_refused(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    with place.opened():
        place.backup(tmp_path / "backup")
    empty.data.mkdir(exist_ok=True)
    inside = empty.data / "mine.tar"
    inside.write_bytes((tmp_path / "backup").read_bytes())
    done = billow(empty, "restore", str(inside))
    assert done.returncode == 2 and "inside" in done.stdout and inside.exists(), done


def test_a_folder_is_no_target_and_no_base(place: Place, tmp_path: Path) -> None:
    with place.opened():
        pass
    for command in ("backup", "restore"):
        done = billow(place, command, str(tmp_path))
        assert done.returncode == 2 and "Traceback" not in done.stdout + done.stderr, done
