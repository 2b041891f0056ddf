-- How many days before a renewal, and before a due date, an account is told of it; 0: never.
alter table accounts
    add column upcoming_days integer not null default 7 check (upcoming_days between 0 and 45),
    add column will_be_due_days integer not null default 3 check (will_be_due_days between 0 and 45);
