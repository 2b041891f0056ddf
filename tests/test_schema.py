"""Do schema.sql, the migrations and the declarations say the same?"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from billow.api.fields import SQL_TYPES
from billow.api.resource import REGISTRY
from billow.store import migrate
from billow.store.migrate import CannotMigrate, Migration

STORE = Path(migrate.__file__).parent
Description = dict[str, set[Any]]

ASPECTS = {
    "columns": """
        select table_name, column_name, data_type, is_nullable, column_default
        from information_schema.columns where table_schema = 'billow'""",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'billow'::regnamespace""",
    "indexes": "select tablename, indexdef from pg_indexes where schemaname = 'billow'",
    "policies": """
        select tablename, policyname, cmd, qual, with_check from pg_policies where schemaname = 'billow'""",
    "row security": """
        select relname, relrowsecurity, relforcerowsecurity from pg_class
        where relkind = 'r' and relnamespace = 'billow'::regnamespace""",
    "storage": """
        select relname, array_to_string(reloptions, ',') from pg_class
        where reloptions is not null and relnamespace = 'billow'::regnamespace""",
    "triggers": """
        select tgrelid::regclass::text, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal""",
    "functions": "select proname, prosrc from pg_proc where pronamespace = 'billow'::regnamespace",
}


@pytest.fixture
def databases(server_url: str) -> Iterator[list[str]]:
    """Two empty databases beside the one that the other tests use."""
    names = ["schema_one", "schema_two"]
    with psycopg.connect(server_url, autocommit=True) as conn:
        for name in names:
            conn.execute(f"drop database if exists {name} with (force)")
            conn.execute(f"create database {name}")
        yield [server_url.replace("/billow?", f"/{name}?") for name in names]
        for name in names:
            conn.execute(f"drop database {name} with (force)")


def describe(url: str) -> Description:
    with psycopg.connect(url) as conn:
        conn.execute("set search_path = billow")
        return {aspect: set(conn.execute(sql).fetchall()) for aspect, sql in ASPECTS.items()}


def differences(one: Description, two: Description) -> list[str]:
    return [f"{aspect}: {row}" for aspect in one for row in sorted(one[aspect] ^ two[aspect], key=str)]


def undeclared(columns: set[Any], resources: dict[str, Any]) -> list[str]:
    """Where a table and the declaration of its resource differ: names and types."""
    found = []
    for cls in resources.values():
        table = {row[1]: row[2] for row in columns if row[0] == cls.table}
        own = {"tenant": "text", "id": "text", "created": "timestamp with time zone"}
        kinds = {name: SQL_TYPES[spec.kind] for name, spec in cls.specs.items() if spec.stored}
        declared = {name: kinds.get(name, own.get(name)) for name in ("tenant", *cls.columns)}
        found += [
            f"{cls.table}.{name}: {table.get(name)} in the table, {declared.get(name)} declared"
            for name in sorted({**table, **declared})
            if table.get(name) != declared.get(name)
        ]
    return found


def test_the_migrations_make_the_schema(databases: list[str]) -> None:
    migrate.migrate(databases[0])
    whole = Migration(1, "schema", (STORE / "schema.sql").read_text())
    migrate.migrate(databases[1], [whole])
    assert differences(describe(databases[0]), describe(databases[1])) == []
    planted = replace(whole, text=whole.text.replace("email                 text,", "email text not null,"))
    assert planted != whole
    with psycopg.connect(databases[1], autocommit=True) as conn:
        conn.execute("drop schema billow cascade")
    migrate.migrate(databases[1], [planted])
    told = differences(describe(databases[0]), describe(databases[1]))
    assert len(told) >= 2 and all("email" in line for line in told)


def test_every_table_is_as_its_resource_declares(app: Any, server_url: str) -> None:
    columns = describe(server_url)["columns"]
    assert "customer" in REGISTRY and undeclared(columns, REGISTRY) == []


def test_a_column_that_differs_is_found(app: Any, server_url: str) -> None:
    columns = describe(server_url)["columns"]
    only = {"customer": REGISTRY["customer"]}
    email = next(row for row in columns if row[:2] == ("customers", "email"))
    for planted in (
        columns - {email},
        columns | {("customers", "nickname", "text", "YES", None)},
        (columns - {email}) | {(*email[:2], "bigint", *email[3:])},
    ):
        assert len(undeclared(planted, only)) == 1


def test_the_schema_says_what_each_table_is_for() -> None:
    lines = (STORE / "schema.sql").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("create table"):
            assert lines[number - 1].startswith("-- "), line


def test_migrating_twice_changes_nothing(databases: list[str]) -> None:
    assert migrate.migrate(databases[0]) == [one.name for one in migrate.available()]
    assert migrate.migrate(databases[0]) == []
    with psycopg.connect(databases[0]) as conn:
        conn.execute("set search_path = billow")
        assert migrate.pending(conn) == []


def test_four_at_once_migrate_once(databases: list[str]) -> None:
    applied: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: applied.append(migrate.migrate(databases[0]))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrate.available())]


def test_a_database_from_the_future_is_left_alone(databases: list[str]) -> None:
    future = [*migrate.available(), Migration(len(migrate.available()) + 1, "9999_future", "select 1")]
    migrate.migrate(databases[0], future)
    with pytest.raises(CannotMigrate, match="newer than the program"):
        migrate.migrate(databases[0])


def test_a_migration_that_fails_leaves_nothing_behind(databases: list[str]) -> None:
    broken = [Migration(1, "0001_broken", "create table a (id text); select 1 / 0;")]
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate.migrate(databases[0], broken)
    assert describe(databases[0])["columns"] == {
        row for row in describe(databases[0])["columns"] if row[0] == "migrations"
    }
    assert migrate.migrate(databases[0]) != []


def test_the_tables_belong_to_a_role_that_security_binds(app: Any) -> None:
    with app.db.connection() as conn:
        assert conn.execute("select current_user").fetchone() == ("billow",)
        held = conn.execute(
            "select rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname = 'billow'"
        )
        assert held.fetchone() == (False, False, False)
        owners = conn.execute(
            "select distinct tableowner from pg_tables where schemaname = 'billow'"
        ).fetchall()
    assert owners == [("billow",)]
