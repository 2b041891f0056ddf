"""Read the settings from the environment: the name, default and purpose of each."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import NoReturn, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum import luhn
from stdnum.eu import at_02

Network = IPv4Network | IPv6Network
T = TypeVar("T")


class BadSetting(ValueError):
    """A setting has an invalid value; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Setting:
    """An environment variable: a line below, a field of Settings, a heading in docs/reference/settings.md."""

    name: str
    default: str
    purpose: str


SETTINGS = [
    Setting("BILLOW_DATABASE_URL", "", "PostgreSQL 15 or newer; empty: the embedded one, in the data folder"),
    Setting("BILLOW_DATA", "data", "folder for the embedded database, files, mails and the pepper"),
    Setting("BILLOW_WAL_ARCHIVE", "", "folder that `billow up` archives the log of the embedded database in"),
    Setting("BILLOW_HOST", "127.0.0.1", "address to listen on"),
    Setting("BILLOW_PORT", "8420", "port to listen on"),
    Setting("BILLOW_BASE_URL", "", "public URL, used in links to hosted pages; empty: host and port"),
    Setting("BILLOW_TEST_KEY", "", "sk_test_… that is made the default account's test key at start"),
    Setting("BILLOW_SMTP_URL", "", "smtp:// or smtps:// server for mails; empty: files in the data folder"),
    Setting("BILLOW_MAIL_FROM", "billing@localhost", "sender of mails"),
    Setting("BILLOW_MAIL_SENDERS", "", "domains that accounts may send mails from, with commas; *: any"),
    Setting("BILLOW_WORKERS", "1", "server processes"),
    Setting("BILLOW_THREADS", "8", "threads of each server process"),
    Setting("BILLOW_SELLER_NAME", "Your company", "seller on invoices"),
    Setting("BILLOW_SELLER_ADDRESS", "", "the seller's address, lines separated by |"),
    Setting("BILLOW_SELLER_TAX_ID", "", "the seller's tax number on invoices"),
    Setting(
        "BILLOW_SELLER_IBAN", "", "IBAN that invoices are paid to by transfer; empty: they name no account"
    ),
    Setting("BILLOW_SELLER_BIC", "", "BIC of the bank with that IBAN"),
    Setting("BILLOW_SELLER_BANKGIRO", "", "the seller's Bankgiro number (Sweden)"),
    Setting("BILLOW_PAYMENT_REFERENCE", "rf", "how invoices write their payment reference: rf or ocr"),
    Setting(
        "BILLOW_BANK_TOLERANCE", "0", "minor units that a transfer may differ and still settle an invoice"
    ),
    Setting("BILLOW_BANK_OVERPAYMENT", "balance", "where what was paid too much goes: balance or unapplied"),
    Setting(
        "BILLOW_SEPA_CREDITOR_ID", "", "creditor identifier of SEPA direct debits; empty: there are none"
    ),
    Setting("BILLOW_SEPA_NOTICE_DAYS", "14", "days from the notice of a direct debit to its collection"),
    Setting("BILLOW_TAX_ID_REGISTER", "", "register that tax ids are verified in: vies; empty: none"),
    Setting("BILLOW_IP_DATABASE", "", "file (.mmdb) that says where IP addresses are; empty: none"),
    Setting("BILLOW_LOG_LEVEL", "info", "debug, info, warning or error"),
    Setting("BILLOW_WEBHOOK_ALLOW_PRIVATE", "", "private networks that webhooks may reach: CIDRs, or *"),
    Setting(
        "BILLOW_PEPPER", "", "secret that API keys are hashed with; empty: made once, in the data folder"
    ),
    Setting("BILLOW_ACCOUNT", "", "account that commands are about; empty: the oldest"),
    Setting("BILLOW_RATE_LIMIT_LIVE", "250", "requests a second of an account and process; 0: no limit"),
    Setting("BILLOW_AFTER_RETRIES", "cancel", "when the last retry has failed: cancel, unpaid or past_due"),
    Setting("BILLOW_RATE_LIMIT_TEST", "250", "the same in test mode; 0: no limit"),
    Setting(
        "BILLOW_RATE_LIMIT_ADDRESS", "50", "requests a second without a known key, by address; 0: no limit"
    ),
    Setting("BILLOW_PROXIES", "127.0.0.1,::1", "proxies whose X-Forwarded-For is believed: addresses, CIDRs"),
    Setting("BILLOW_CLOCK_TOLERANCE", "60", "seconds this machine's clock may differ from the database's"),
    Setting("BILLOW_DISK_RESERVE_MB", "256", "free disk below which nothing is written; 0: no reserve"),
    Setting("BILLOW_METRICS_TOKEN", "", "bearer token that opens /metrics; empty: there is no such page"),
]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed; the purpose of a setting says what an empty value means."""

    database_url: str
    data: Path
    wal_archive: Path | None
    host: str
    port: int
    base_url: str
    test_key: str
    smtp_url: str
    mail_from: str
    mail_senders: tuple[str, ...]
    workers: int
    threads: int
    seller_name: str
    seller_address: tuple[str, ...]
    seller_tax_id: str
    seller_iban: str
    seller_bic: str
    seller_bankgiro: str
    payment_reference: str
    sepa_creditor_id: str
    sepa_notice_days: int
    bank_tolerance: int
    bank_overpayment: str
    tax_id_register: str
    ip_database: Path | None
    log_level: str
    webhook_allow_private: tuple[Network, ...]
    pepper: str
    account: str
    rate_limit_live: int
    rate_limit_test: int
    rate_limit_address: int
    proxies: tuple[Network, ...]
    after_retries: str
    disk_reserve_mb: int
    metrics_token: str
    clock_tolerance: int

    @property
    def embedded(self) -> Path | None:
        """Return the folder of the embedded database; None if another server is used."""
        return None if self.database_url else self.data / "postgres"


def load(environ: Mapping[str, str]) -> Settings:
    """Parse the environment; a bad value is refused with the variable's name."""
    given = {setting.name: environ.get(setting.name, setting.default).strip() for setting in SETTINGS}

    def read(name: str, parse: Callable[[str], T]) -> T:
        variable = f"BILLOW_{name}"
        try:
            return parse(given[variable])
        except ValueError as error:
            shown = (
                "(hidden)"
                if name in {"PEPPER", "TEST_KEY", "DATABASE_URL", "SMTP_URL", "METRICS_TOKEN"}
                else repr(given[variable])
            )
            raise BadSetting(f"{variable}={shown}: {error}") from None

    host, port = read("HOST", _words), read("PORT", _between(1, 65535))
    return Settings(
        database_url=read("DATABASE_URL", _database_url),
        data=read("DATA", lambda text: Path(_words(text)).absolute()),
        wal_archive=read("WAL_ARCHIVE", lambda text: Path(text).absolute() if text else None),
        host=host,
        port=port,
        base_url=read("BASE_URL", _url("http", "https")).rstrip("/") or f"http://{_reachable(host)}:{port}",
        test_key=read("TEST_KEY", _test_key),
        smtp_url=read("SMTP_URL", _url("smtp", "smtps")),
        mail_from=read("MAIL_FROM", _address),
        mail_senders=read("MAIL_SENDERS", _domains),
        workers=read("WORKERS", _between(1, 64)),
        threads=read("THREADS", _between(1, 256)),
        seller_name=read("SELLER_NAME", _line),
        seller_address=tuple(
            line.strip() for line in given["BILLOW_SELLER_ADDRESS"].split("|") if line.strip()
        ),
        seller_tax_id=given["BILLOW_SELLER_TAX_ID"],
        seller_iban=read("SELLER_IBAN", _iban),
        seller_bic=read("SELLER_BIC", _bic),
        seller_bankgiro=read("SELLER_BANKGIRO", _bankgiro),
        bank_tolerance=read("BANK_TOLERANCE", _between(0, 999_999)),
        bank_overpayment=read("BANK_OVERPAYMENT", _one_of("balance", "unapplied")),
        sepa_creditor_id=read("SEPA_CREDITOR_ID", _creditor_id),
        sepa_notice_days=read("SEPA_NOTICE_DAYS", _between(1, 45)),
        payment_reference=read("PAYMENT_REFERENCE", _one_of("rf", "ocr")),
        tax_id_register=read("TAX_ID_REGISTER", _one_of("", "vies")),
        ip_database=read("IP_DATABASE", lambda text: Path(text).absolute() if text else None),
        log_level=read("LOG_LEVEL", _level),
        webhook_allow_private=read("WEBHOOK_ALLOW_PRIVATE", _networks),
        pepper=read("PEPPER", _long_secret),
        account=given["BILLOW_ACCOUNT"],
        rate_limit_live=read("RATE_LIMIT_LIVE", _between(0, 999_999)),
        rate_limit_test=read("RATE_LIMIT_TEST", _between(0, 999_999)),
        rate_limit_address=read("RATE_LIMIT_ADDRESS", _between(0, 999_999)),
        proxies=read("PROXIES", _networks),
        after_retries=read("AFTER_RETRIES", _one_of("cancel", "unpaid", "past_due")),
        disk_reserve_mb=read("DISK_RESERVE_MB", _between(0, 999_999)),
        metrics_token=read("METRICS_TOKEN", _long_secret),
        clock_tolerance=read("CLOCK_TOLERANCE", _between(1, 999_999)),
    )


def pepper(settings: Settings) -> bytes:
    """Return the secret that API keys are hashed with; create it once, as no key works without it."""
    if settings.pepper:
        return settings.pepper.encode()
    file = settings.data / "pepper"
    if not file.exists():
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(prefix="pepper.", dir=settings.data)  # closed to other users
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, file)  # unlike a rename, it never replaces the file of a faster process
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return file.read_bytes()


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _words(text: str) -> str:
    return text or _refuse("must not be empty")


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else -1
        return (
            number if least <= number <= most else _refuse(f"must be a whole number from {least} to {most}")
        )

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        good = not text or re.fullmatch(rf"({'|'.join(schemes)})://\S+", text)
        return (
            text if good else _refuse(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        )

    return parse


def check_database_url(text: str) -> None:
    """Refuse an invalid URL of a PostgreSQL database, without repeating it, as it may have a password."""
    try:
        _database_url(text)
    except ValueError as error:
        raise BadSetting(f"--database {error}") from None


def _database_url(text: str) -> str:
    known = _url("postgresql", "postgres")(text)
    try:
        conninfo_to_dict(known)
    except psycopg.ProgrammingError:
        _refuse("is no URL of a PostgreSQL database")
    return known


def _test_key(text: str) -> str:
    good = not text or (len(text) >= 20 and re.fullmatch(r"sk_test_[A-Za-z0-9_]+", text))
    return (
        text
        if good
        else _refuse("must be sk_test_ and letters, digits or underscores, 20 characters or more")
    )


def _address(text: str) -> str:
    """Parse one address, alone or as `Name <address>`; it is checked again when a mail is written."""
    one = r"[^@,;:<>\s]+@[^@,;:<>\s]+"
    good = text.isprintable() and re.fullmatch(rf"{one}|[^@,;:<>]*<{one}>", text)
    return text if good else _refuse("must be a mail address")


def _domains(text: str) -> tuple[str, ...]:
    """Parse the domains that accounts may send from; a star alone is any of them."""
    found = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    good = all(one == "*" or re.fullmatch(r"[\w-]+(\.[\w-]+)*", one) for one in found)
    return found if good else _refuse("must be domains with commas between them, or *")


def _line(text: str) -> str:
    return _words(text) if text.isprintable() else _refuse("must be one line")


def _iban(text: str) -> str:
    good = not text or ibans.is_valid(text)
    return ibans.compact(text) if good else _refuse("must be an IBAN with its check digits")


def _bic(text: str) -> str:
    return text.upper() if not text or bics.is_valid(text) else _refuse("must be a BIC")


def _bankgiro(text: str) -> str:
    good = re.fullmatch(r"\d{3,4}-?\d{4}", text) and luhn.is_valid(text.replace("-", ""))
    return text if good or not text else _refuse("must be a Bankgiro number with its check digit")


def _creditor_id(text: str) -> str:
    good = not text or at_02.is_valid(text)
    return (
        at_02.compact(text) if good else _refuse("must be a SEPA creditor identifier with its check digits")
    )


def _level(text: str) -> str:
    return _one_of("debug", "info", "warning", "error")(text.lower())


def _one_of(*words: str) -> Callable[[str], str]:
    return lambda text: text if text in words else _refuse(f"must be one of {', '.join(words)}")


def _long_secret(text: str) -> str:
    return text if not text or len(text) >= 16 else _refuse("must have 16 characters or more")


def _networks(text: str) -> tuple[Network, ...]:
    everything = "0.0.0.0/0, ::/0"
    parts = (everything if text == "*" else text).split(",")
    return tuple(ip_network(part.strip()) for part in parts if part.strip())


def _reachable(host: str) -> str:
    """Return the address to call for an address to listen on."""
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else f"[{host}]" if ":" in host else host
