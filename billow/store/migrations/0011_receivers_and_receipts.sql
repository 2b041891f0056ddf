-- Since when a receiver of webhooks has taken nothing, and when its owner was told of it.
alter table webhook_receivers
    add column failing_since timestamptz,
    add column warned_at timestamptz;

-- Where the receipt of a charge is.
alter table charges add column receipt_url text;
