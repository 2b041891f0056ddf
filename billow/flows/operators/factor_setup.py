"""Set up a second factor: it counts from the first right code, with which its recovery codes are shown."""

from typing import Any

import msgspec
import psycopg

from billow.core.errors import Refused
from billow.flows.operators import people, second_factor, sessions
from billow.flows.operators.sessions import Browser, Session
from billow.store.tx import Database


def start(conn: psycopg.Connection[Any], held: Session, key: bytes) -> str:
    """Return the sealed secret of a second factor that is not confirmed yet; make one where there is none."""
    operator = people.by_id(conn, held.operator.id)
    if operator is None or operator.factor_since:
        raise Refused("There is a second factor already.")
    if operator.second_factor:
        return operator.second_factor
    made = second_factor.new_secret(key)
    conn.execute(
        "update operators set second_factor = %s where id = %s and factor_since is null", (made, operator.id)
    )
    return made


def confirm(db: Database, held: Session, key: bytes, code: str, browser: Browser) -> list[str]:
    """Confirm the second factor with a code, end all other sessions, and return the recovery codes."""
    now = db.wall()
    with db.connection() as conn, conn.transaction():
        conn.execute("select 1 from operators where id = %s for update", (held.operator.id,))
        operator = people.by_id(conn, held.operator.id)
        if operator is None or operator.second_factor is None or operator.factor_since:
            raise Refused("There is no second factor to confirm.")
        step = second_factor.step_of(key, operator.second_factor, code, now, operator.factor_step)
        if step is None:
            raise Refused("This is not the code of this moment.", param="code")
        codes = second_factor.new_recovery_codes()
        kept = msgspec.json.encode([second_factor.digest(one) for one in codes]).decode()
        conn.execute(
            "update operators set factor_since = %s, factor_step = %s, recovery_codes = %s::text::jsonb"
            " where id = %s",
            (now, step, kept, operator.id),
        )
        conn.execute(
            "delete from operator_sessions where operator = %s and digest <> %s", (operator.id, held.digest)
        )
        sessions.note(conn, operator, "second_factor.set", browser, now)
    return codes
