-- Services to buyers outside the EU have a treatment of their own beside exports of goods, which alone have a mention.
alter table tax_rates no force row level security;
update tax_rates set treatment = 'export_service' where treatment = 'export' and mention is null;
alter table tax_rates force row level security;
