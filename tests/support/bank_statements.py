"""Write bank statements in camt.053, in versions 02 and 08, for tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape
from zlib import crc32

from billow.core.money import minor_digits

ACCOUNT = "DE02120300000000202051"


@dataclass(frozen=True)
class Booking:
    """An entry as a bank writes it; `amount` is in minor units, negative where money left the account."""

    amount: int
    bank_reference: str | None = None
    end_to_end: str | None = "NOTPROVIDED"
    structured: str | None = None
    text: str | None = None
    name: str | None = "Anna"
    iban: str | None = None
    reason: str | None = None
    mandate: str | None = None
    reversal: bool = False
    status: str = "BOOK"
    parts: tuple["Booking", ...] = ()
    day: str = "2026-02-09"
    batch: str | None = None


def major(amount: int, currency: str) -> str:
    digits = minor_digits(currency)
    text = f"{abs(amount):0{digits + 1}}"
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def statement(
    bookings: Sequence[Booking], *, version: str = "08", opening: int = 100_000, **more: str
) -> bytes:
    """A statement whose closing balance is right, unless `closing` says another; its bookings make its id."""
    currency, account = more.get("currency", "eur"), more.get("account", ACCOUNT)
    id = more.get("id", f"S{crc32(repr(list(bookings)).encode())}")
    closing = opening + sum(one.amount for one in bookings if one.status == "BOOK")
    balances = [("OPBD", opening), ("CLBD", int(more.get("closing", closing)))]
    stated = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount, currency)}"
        "<Dt><Dt>2026-02-09</Dt></Dt></Bal>"
        for code, amount in balances
    )
    entries = "".join(_entry(one, currency, version) for one in bookings)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><GrpHdr>'
        f"<MsgId>M1</MsgId><CreDtTm>2026-02-10T08:00:00+01:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>{id}</Id><CreDtTm>2026-02-10T08:00:00+01:00</CreDtTm>"
        f"<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>{currency.upper()}</Ccy></Acct>"
        f"{stated}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _amount(amount: int, currency: str) -> str:
    way = "CRDT" if amount >= 0 else "DBIT"
    return f'<Amt Ccy="{currency.upper()}">{major(amount, currency)}</Amt><CdtDbtInd>{way}</CdtDbtInd>'


def _entry(one: Booking, currency: str, version: str) -> str:
    status = one.status if version == "02" else f"<Cd>{one.status}</Cd>"
    reference = f"<AcctSvcrRef>{one.bank_reference}</AcctSvcrRef>" if one.bank_reference else ""
    reversal = "<RvslInd>true</RvslInd>" if one.reversal else ""
    batch = f"<Btch><PmtInfId>{one.batch}</PmtInfId></Btch>" if one.batch else ""
    details = "".join(_details(part, currency, version, len(one.parts) > 1) for part in one.parts or (one,))
    return (
        f"<Ntry>{_amount(one.amount, currency)}{reversal}<Sts>{status}</Sts>"
        f"<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.day}</Dt></ValDt>{reference}"
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{batch}{details}</NtryDtls></Ntry>"
    )


def _details(one: Booking, currency: str, version: str, batched: bool) -> str:
    own = _amount(one.amount, currency)
    if version == "02":
        amount, way = own.split("<CdtDbtInd>")
        own = f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>" if batched else ""
        own = f"{own}<CdtDbtInd>{way}" if batched else ""
    mandate = f"<MndtId>{one.mandate}</MndtId>" if one.mandate else ""
    party = "Dbtr" if one.amount > 0 or one.reason or one.mandate else "Cdtr"
    named = f"<Nm>{escape(one.name or '')}</Nm>"
    named = named if version == "02" else f"<Pty>{named}</Pty>"
    account = f"<{party}Acct><Id><IBAN>{one.iban}</IBAN></Id></{party}Acct>" if one.iban else ""
    structured = (
        f"<Strd><CdtrRefInf><Ref>{one.structured}</Ref></CdtrRefInf></Strd>" if one.structured else ""
    )
    text = f"<Ustrd>{escape(one.text)}</Ustrd>" if one.text else ""
    reason = f"<RtrInf><Rsn><Cd>{one.reason}</Cd></Rsn></RtrInf>" if one.reason else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end}</EndToEndId>{mandate}</Refs>{own}"
        f"<RltdPties><{party}>{named}</{party}>{account}</RltdPties>"
        f"<RmtInf>{text}{structured}</RmtInf>{reason}</TxDtls>"
    )
