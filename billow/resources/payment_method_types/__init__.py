"""Every type of payment methods, one file each; those of which nothing is sent share a table."""

from billow.resources.payment_method_types import (
    acss_debit,
    au_becs_debit,
    bacs_debit,
    boleto,
    card,
    customer_balance,
    eps,
    fpx,
    ideal,
    klarna,
    link,
    naver_pay,
    nz_bank_account,
    p24,
    sepa_debit,
    sofort,
    us_bank_account,
    without_details,
)
from billow.resources.payment_method_types.method_type import MethodType

#: Every type that can be created, by its name.
BY_NAME: dict[str, MethodType] = {
    one.name: one
    for one in sorted(
        (
            acss_debit.TYPE,
            au_becs_debit.TYPE,
            bacs_debit.TYPE,
            boleto.TYPE,
            card.TYPE,
            customer_balance.TYPE,
            eps.TYPE,
            fpx.TYPE,
            ideal.TYPE,
            klarna.TYPE,
            link.TYPE,
            naver_pay.TYPE,
            nz_bank_account.TYPE,
            p24.TYPE,
            sepa_debit.TYPE,
            sofort.TYPE,
            us_bank_account.TYPE,
            *without_details.TYPES,
        ),
        key=lambda one: one.name,
    )
}

__all__ = ["BY_NAME", "MethodType"]
