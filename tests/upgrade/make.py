"""Make the data of an older commit: run with that commit's code, it writes what its database holds.

    git archive COMMIT | tar -x -C OLD
    PYTHONPATH=OLD python tests/upgrade/make.py FILE.sql.gz

It speaks the public API only, in forms that every version takes. No key and no secret is in the result.
"""

import gzip
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billow import app as application
from billow import settings
from billow.store import jobs, migrate
from billow.store.embedded import Embedded, installation

KEY = "sk_test_" + "x" * 24
BEGIN, LATER = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 10, tzinfo=UTC)


class Merchant:
    """What a merchant did with the older version, through HTTP."""

    def __init__(self, built: Any) -> None:
        self.built, self.client = built, built.wsgi.test_client()

    def post(self, path: str, **form: Any) -> dict[str, Any]:
        answer = self.client.post(path, data=form, headers={"Authorization": f"Bearer {KEY}"})
        body: dict[str, Any] = answer.get_json()
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {body}")
        return body

    def works(self) -> None:
        while jobs.run_due(self.built.db, clock="wall", until=self.built.db.wall()):
            pass

    def story(self) -> None:
        """A licence, use, somebody who does not pay; discounts, taxes and a schedule where they are known."""
        clock = self.post("/v1/test_helpers/test_clocks", frozen_time=int(BEGIN.timestamp()))["id"]
        meter = self.post(
            "/v1/billing/meters",
            display_name="Calls",
            event_name="calls",
            **{"default_aggregation[formula]": "sum"},
        )["id"]
        form = {"currency": "usd", "product_data[name]": "Pro", "recurring[interval]": "month"}
        licence = self.post("/v1/prices", **form, unit_amount="2000")["id"]
        use = {"recurring[usage_type]": "metered", "recurring[meter]": meter}
        calls = self.post("/v1/prices", **{**form, **use}, unit_amount_decimal="0.5")["id"]
        items = {"items[0][price]": licence, "items[1][price]": calls}
        ann, ben = (self.customer(name, clock, card) for name, card in CARDS.items())
        rate = self.post("/v1/tax_rates", display_name="VAT", percentage="20", inclusive="false")["id"]
        coupon = self.post("/v1/coupons", percent_off="25", duration="forever")["id"]
        self.post("/v1/subscriptions", customer=ann, **items, **self.more(rate, coupon))
        self.post("/v1/subscriptions", customer=ben, payment_behavior="default_incomplete", **items)
        self.post(
            "/v1/billing/meter_events",
            event_name="calls",
            timestamp=int(BEGIN.timestamp()) + 60,
            **{"payload[stripe_customer_id]": ann, "payload[value]": "1234"},
        )
        if self.number >= 14:
            phases = {}
            for place, quantity in enumerate((1, 3)):
                phase = f"phases[{place}]"
                phases[f"{phase}[items][0][price]"] = licence
                phases[f"{phase}[items][0][quantity]"] = str(quantity)
                phases[f"{phase}[duration][interval]"] = "month"
                phases[f"{phase}[duration][interval_count]"] = "2"
            self.post("/v1/subscription_schedules", customer=ann, start_date="now", **phases)
        self.works()
        self.post(f"/v1/test_helpers/test_clocks/{clock}/advance", frozen_time=int(LATER.timestamp()))
        self.works()

    @property
    def number(self) -> int:
        return len(migrate.available())

    def more(self, rate: str, coupon: str) -> dict[str, str]:
        if self.number < 13:
            return {}
        return {"default_tax_rates[0]": rate, "discounts[0][coupon]": coupon}

    def customer(self, name: str, clock: str, card: str) -> str:
        made = self.post("/v1/customers", name=name, email=f"{name}@example.com", test_clock=clock)
        method = self.post(f"/v1/payment_methods/{card}/attach", customer=made["id"])["id"]
        default = {"invoice_settings[default_payment_method]": method}
        return str(self.post(f"/v1/customers/{made['id']}", **default)["id"])


CARDS = {"ann": "pm_card_visa", "ben": "pm_card_chargeCustomerFail"}


def main(target: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="billow-older-"))
    server = Embedded(folder / "postgres")
    server.start()
    try:
        migrate.migrate(server.url)
        given = {"BILLOW_DATA": str(folder), "BILLOW_TEST_KEY": KEY, "BILLOW_SELLER_NAME": "Nimbus Ltd"}
        built = application.build(settings.load(given), server.url)
        Merchant(built).story()
        built.close()
        target.write_bytes(gzip.compress(dumped(server.url).encode(), mtime=0))
    finally:
        server.stop()


def dumped(url: str) -> str:
    """Statements that any connection takes: no words of psql, no owners, and none of the keys."""
    words = ["--schema=billow", "--no-owner", "--no-acl", "--rows-per-insert=200"]
    words += [f"--exclude-table-data=billow.{table}" for table in ("api_keys", "idempotency_keys")]
    command = [str(installation() / "bin" / "pg_dump"), "--dbname", url, *words]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith(("--", "\\", "SET "))]
    return re.sub(r"\n+", "\n", "\n".join(kept)) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
