"""Redeem, keep and remove the discounts of a subscription that is changed."""

from collections.abc import Container, Sequence

from billow.api import rows
from billow.api.params import made
from billow.flows.billing import discounts as billing_discounts
from billow.flows.billing.discounts import DiscountTerm
from billow.flows.subscription_changes.items import ItemChange, Target
from billow.flows.subscription_changes.params import Change
from billow.flows.taxes import params as taxes
from billow.resources.customer import Customer
from billow.resources.discount import Discount
from billow.resources.invoice_item import InvoiceItem
from billow.resources.subscription import Subscription
from billow.resources.subscription_item import SubscriptionItem
from billow.store.tx import Tx


def gives_discounts(wanted: Change) -> bool:
    """Return whether a change gives discounts to the subscription or to one of its items."""
    return bool(wanted.discounts or any(item.discounts for item in wanted.items))


def redeem(tx: Tx, subscription: Subscription, wanted: Change) -> Change:
    """Redeem the discounts of a change, and return the change naming them by id.

    Prorations are calculated with the terms of these discounts.
    """
    if not gives_discounts(wanted):
        return wanted
    customer = rows.find(tx, Customer, subscription.customer)
    above = [*subscription.discounts, *([customer.discount] if customer.discount else [])]
    sent = wanted.sent()
    if wanted.discounts:
        owner = billing_discounts.Owner(
            customer, subscription.currency, {"subscription": subscription.id}, above
        )
        sent["discounts"] = terms(billing_discounts.redeem(tx, wanted.discounts, owner))
    old = rows.find_many(tx, SubscriptionItem, [item.id for item in wanted.items if item.id])
    if wanted.given("items"):
        sent["items"] = [
            redeem_for_item(
                tx,
                item,
                billing_discounts.Owner(
                    customer,
                    subscription.currency,
                    {"subscription_item": item.id} if item.id else {},
                    [*above, *(old[item.id].discounts if item.id in old else [])],
                    param=f"items[{place}][discounts]",
                ),
            )
            for place, item in enumerate(wanted.items)
        ]
    return made(type(wanted), **sent)


def redeem_for_item(tx: Tx, item: ItemChange, owner: billing_discounts.Owner) -> ItemChange:
    """Redeem the discounts of an item's change; those of an added item are emitted by `settle`."""
    if not item.discounts:
        return item
    ids = billing_discounts.redeem(
        tx, item.discounts, owner, event=billing_discounts.CREATED if owner.on else None
    )
    return made(ItemChange, **{**item.sent(), "discounts": terms(ids)})


def without_spent(tx: Tx, wanted: Change) -> Change:
    """Return a paid proposal without the coupons that its own invoice has spent."""
    all_of_them = [wanted.discounts, *[item.discounts for item in wanted.items]]
    ids = {id for some in all_of_them for id in billing_discounts.named(some)}
    spent = {one.id: one for one in rows.find_many(tx, Discount, ids).values() if one.spent_on}
    if not spent:
        return wanted
    rows.emit(tx, [(one, None) for one in spent.values()], "customer.discount.deleted")
    sent = wanted.sent()
    if wanted.discounts:
        sent["discounts"] = without(wanted.discounts, spent)
    if wanted.given("items"):
        sent["items"] = [
            made(ItemChange, **{**item.sent(), "discounts": without(item.discounts, spent)})
            if item.discounts
            else item
            for item in wanted.items
        ]
    return made(type(wanted), **sent)


def without(named: Sequence[DiscountTerm], spent: Container[str]) -> list[DiscountTerm] | None:
    """Return the discounts that are not spent; None, which removes all, where none is left.

    An empty list would change nothing.
    """
    return [term for term in named if term.discount not in spent] or None


def terms(ids: Sequence[str]) -> list[DiscountTerm]:
    """Return the params that name existing discounts."""
    return [made(DiscountTerm, discount=id) for id in ids]


def agreed(subscription: Subscription, wanted: Change) -> Subscription:
    """Return the subscription with a change's discounts, tax rates and automatic tax.

    `""` clears the discounts, `[]` leaves them as they are (T21).
    """
    discounts, rates = subscription.discounts, subscription.default_tax_rates
    if wanted.given("discounts") and wanted.discounts != []:
        discounts = billing_discounts.named(wanted.discounts)
    if wanted.given("default_tax_rates"):
        rates = list(wanted.default_tax_rates or [])
    automatic = subscription.automatic_tax
    if wanted.automatic_tax:
        automatic = taxes.kept(automatic, wanted.automatic_tax)
    return subscription.but(discounts=discounts, default_tax_rates=rates, automatic_tax=automatic)


def added_discounts(subscription: Subscription, after: Subscription, targets: Sequence[Target]) -> list[str]:
    """Return the discounts that a proposal redeemed for itself: they are released if it is not paid."""
    before = {*subscription.discounts, *(id for t in targets if t.old for id in t.old.item.discounts)}
    return sorted(discounts_after(after, targets) - before)


def added_item_discounts(tx: Tx, items: Sequence[InvoiceItem]) -> list[str]:
    """Return the discounts that were redeemed for these items themselves."""
    found = rows.find_many(tx, Discount, {id for item in items for id in item.discounts})
    return sorted(one.id for one in found.values() if one.invoice_item)


def discounts_after(subscription: Subscription, targets: Sequence[Target]) -> set[str]:
    """Return the ids of the discounts of a subscription and of its items after a change."""
    return {*subscription.discounts, *(id for t in targets if t.new for id in t.new.item.discounts)}


def settle(tx: Tx, before: Subscription, after: Subscription, targets: Sequence[Target]) -> None:
    """Emit the discounts that a change removed, and assign to added items the ones redeemed for them.

    Emits `customer.discount.deleted` and `customer.discount.created`.
    """
    old = {*before.discounts, *(id for t in targets if t.old for id in t.old.item.discounts)}
    gone = rows.find_many(tx, Discount, old - discounts_after(after, targets)).values()
    # The customer's own discount remains with the customer.
    own = [one for one in gone if one.subscription or one.subscription_item]
    rows.emit(tx, [(one, None) for one in own], "customer.discount.deleted")
    added = {id: t.new.item.id for t in targets if t.new and not t.old for id in t.new.item.discounts}
    fresh = [
        one
        for one in rows.find_many(tx, Discount, added).values()
        if not (one.subscription or one.subscription_item or one.invoice or one.invoice_item)
    ]
    rows.update_many(
        tx, [(one, {"subscription_item": added[one.id]}) for one in fresh], event=billing_discounts.CREATED
    )
