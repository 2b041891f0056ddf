-- Holds of cards that are captured more than once, raised, or kept for longer: what is asked of the gateway when a
-- payment is held (`wishes`), whether a capture is the last one (`final`), and what a raised hold changes on its
-- intent once it has succeeded (`terms`). `movement` is the balance transaction of a capture.
alter table attempts add wishes jsonb not null default '[]', add final boolean not null default true,
    add terms jsonb, add movement text;
alter table attempts drop constraint attempts_kind_check, drop constraint attempts_check1;
alter table attempts add constraint attempts_kind_check
        check (kind in ('charge', 'capture', 'increment', 'refund', 'setup')),
    add constraint attempts_check1 check (amount > 0 or kind = 'setup' or (kind = 'capture' and final)),
    add constraint attempts_check4 check (amount = 0 or kind <> 'setup');
