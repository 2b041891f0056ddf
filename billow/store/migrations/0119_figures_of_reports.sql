-- Which figure of the report cash a movement belongs to, by the account on its other side.
create function cash_figure(other text) returns text language sql immutable as $$
    select case when split_part(other, ':', 1) in ('receivable', 'unapplied_cash', 'prepaid', 'revenue') then 'collected'
        when split_part(other, ':', 1) in ('refunds_payable', 'customer_balance') then 'refunded'
        when other = 'gateway_fees' then 'fees'
        when other = 'disputed' then 'disputed'
        else 'otherwise' end
$$;

-- Which figure of the report collections a movement of receivables belongs to. What a voided invoice takes back from revenue and tax
-- is billed less; what it takes back from elsewhere is not.
create function collections_figure(event text, other text) returns text language sql immutable as $$
    select case when event = 'invoice.finalized' then 'billed'
        when event = 'invoice.voided' and split_part(other, ':', 1) in ('deferred_revenue', 'unbilled', 'revenue', 'tax_payable')
            then 'billed'
        when split_part(other, ':', 1) in ('clearing', 'bank', 'unapplied_cash') then 'collected'
        when other = 'bad_debt' then 'written_off'
        when event ^@ 'credit_note.' then 'credited'
        else 'otherwise' end
$$;

-- Which figure of the report deferred_by_month a movement of deferred revenue belongs to.
create function deferred_figure(event text) returns text language sql immutable as $$
    select case event when 'invoice.finalized' then 'billed' when 'revenue.recognized' then 'earned' else 'taken_back' end
$$;

-- Which figure of the report gateways a movement of what a gateway holds belongs to.
create function gateways_figure(event text) returns text language sql immutable as $$
    select case when event = 'payment.succeeded' then 'collected'
        when event ^@ 'refund.' then 'refunded'
        when event = 'gateway.fee' then 'fees'
        when event ^@ 'payout.' or event ^@ 'bank.' then 'paid_out'
        else 'otherwise' end
$$;

-- Which figure of the report net_revenue a movement of an account of revenue belongs to.
create function net_revenue_figure(account text) returns text language sql immutable as $$
    select case account when 'revenue_adjustments' then 'given_back' else 'earned' end
$$;
