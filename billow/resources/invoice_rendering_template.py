"""Templates of how the papers of invoices look, in versions that never change."""

from typing import Any

from billow.api import fields as f
from billow.api import rows
from billow.api.fields import SHOWN
from billow.api.params import Params, merged
from billow.api.resource import Resource, Where
from billow.core.errors import Refused, require
from billow.store.tx import Tx

LOOKS = ("amount_tax_display", "custom_fields", "footer", "line_order", "memo", "page_size")
"""What a version says of papers."""
STATUSES = ("active", "archived")


class InvoiceRenderingTemplate(
    Resource,
    object="invoice_rendering_template",
    path="/v1/invoice_rendering_templates",
    prefix="inrtem_",
    events=(),
):
    """How the papers of invoices look that name it."""

    called = "invoice rendering template"

    metadata: dict[str, str] = f.metadata(SHOWN)
    nickname: str | None = f.text()
    """What it is called; customers do not see it."""
    status: str = f.choice(SHOWN, *STATUSES, default="active", filter=True)
    version: int = f.integer(default=1)
    """Its newest version, or the one that is retrieved."""

    versions: list[dict[str, Any]] = f.array(default=[], hidden=True)
    """What each version says; they never change."""


class TemplateField(Params):
    name: str = f.line(max=40, required=True)
    value: str = f.line(max=140, required=True)


class Looks(Params):
    """How papers look where the invoice itself does not say otherwise."""

    amount_tax_display: str | None = f.choice(SHOWN, "exclude_tax", "include_inclusive_tax", unset=True)
    """Whether prices are shown with the tax inside them."""
    custom_fields: list[TemplateField] | None = f.array(SHOWN, TemplateField, max=4, unset=True)
    """Up to four facts beside number and date."""
    footer: str | None = f.text(unset=True)
    line_order: str | None = f.choice(SHOWN, "as_billed", "period", "product", unset=True)
    """Whether lines stand as they were billed, or together by their period or product."""
    memo: str | None = f.text(max=1500, unset=True)
    """What is said below the totals."""
    metadata: dict[str, str] = f.metadata()
    nickname: str | None = f.text(max=100, unset=True)
    page_size: str | None = f.choice(SHOWN, "a4", "letter", unset=True)


@InvoiceRenderingTemplate.create(Looks)
def create(tx: Tx, wanted: Looks) -> InvoiceRenderingTemplate:
    """Create a template, at its version 1. It is not part of Stripe's API."""
    made = InvoiceRenderingTemplate(
        metadata=merged({}, wanted.metadata), nickname=wanted.nickname, versions=[looks_after({}, wanted)]
    )
    return rows.insert(tx, made)


@InvoiceRenderingTemplate.update(Looks)
def update(tx: Tx, template: InvoiceRenderingTemplate, wanted: Looks) -> InvoiceRenderingTemplate:
    """Update a template that is not archived. It is not part of Stripe's API.

    What changes how papers look makes a new version. Finalized invoices keep the version that they have.
    """
    require(template.status == "active", "This template is archived, so it can't be updated.")
    changes: dict[str, Any] = {}
    if wanted.given("metadata"):
        changes["metadata"] = merged(template.metadata, wanted.metadata)
    if wanted.given("nickname"):
        changes["nickname"] = wanted.nickname
    looks = looks_after(template.versions[-1], wanted)
    if looks != template.versions[-1]:
        changes |= {"version": template.version + 1, "versions": [*template.versions, looks]}
    return rows.update(tx, template, **changes)


def looks_after(before: dict[str, Any], wanted: Looks) -> dict[str, Any]:
    """Return what a version says after a request that says some of it."""
    sent = {name: rows.plain_value(getattr(wanted, name)) for name in LOOKS if wanted.given(name)}
    return {name: sent.get(name) if name in sent else before.get(name) for name in LOOKS}


@InvoiceRenderingTemplate.action("archive")
def archive(tx: Tx, template: InvoiceRenderingTemplate) -> InvoiceRenderingTemplate:
    """Archive a template: nothing new can name it. What names it already keeps it."""
    require(template.status == "active", "This template is already archived.")
    return rows.update(tx, template, status="archived")


@InvoiceRenderingTemplate.action("unarchive")
def unarchive(tx: Tx, template: InvoiceRenderingTemplate) -> InvoiceRenderingTemplate:
    """Unarchive a template, so that customers and invoices can name it again."""
    require(template.status == "archived", "This template is not archived.")
    return rows.update(tx, template, status="active")


class Retrieve(Params):
    version: int | None = f.integer(min=1)


@InvoiceRenderingTemplate.retrieve(Retrieve)
def retrieve(tx: Tx, template: InvoiceRenderingTemplate, wanted: Retrieve) -> InvoiceRenderingTemplate:
    """Retrieve a template, as its newest version or as the one that is asked for."""
    if wanted.version is None:
        return template
    check_version(template, wanted.version, "version")
    return template.but(version=wanted.version)


@InvoiceRenderingTemplate.below("GET", "looks", Retrieve, of=InvoiceRenderingTemplate)
def looks(tx: Tx, template: InvoiceRenderingTemplate, wanted: Retrieve) -> dict[str, Any]:
    """Show what a version of a template says of papers. It is not part of Stripe's API."""
    version = wanted.version or template.version
    check_version(template, version, "version")
    said = {"object": "invoice_rendering_template.looks", "template": template.id, "version": version}
    return {**said, **template.versions[version - 1]}


class Filters(Params):
    pass


@InvoiceRenderingTemplate.listing(Filters)
def listing(tx: Tx, wanted: Filters) -> Where:
    """List templates, newest first."""
    return Where()


def check_version(template: InvoiceRenderingTemplate, version: int, param: str) -> None:
    if version > template.version:
        raise Refused(
            f"No such version {version} of the invoice rendering template '{template.id}'",
            param=param,
            code="resource_missing",
            status=404 if param == "version" else 400,
        )


def check_usable(tx: Tx, id: str, param: str, version: int | None = None) -> None:
    """Refuse a template that is not there or archived, and a version that it does not have."""
    template = rows.find(tx, InvoiceRenderingTemplate, id, param=param)
    require(
        template.status == "active",
        f"The invoice rendering template {id} is archived, so nothing new can use it.",
        param=param,
    )
    if version is not None:
        check_version(template, version, param.replace("[template]", "[template_version]"))
