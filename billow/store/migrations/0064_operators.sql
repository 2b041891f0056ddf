-- The people who work in the dashboard. They belong to the installation and have a role for each account, so they are
-- looked up before a tenant is known. Of passwords, codes, links and sessions only hashes are kept.
create table operators (
    id             text        primary key,
    created        timestamptz not null,
    email          text        not null check (email = lower(email)),
    name           text        not null,
    password       text        not null,
    second_factor  text,  -- the sealed secret of one-time passwords
    factor_since   timestamptz,  -- when it was confirmed; null: not yet
    factor_step    bigint      not null default 0,  -- the last step whose code was used: each counts once
    recovery_codes jsonb       not null default '[]',
    failures       integer     not null default 0,
    failed_at      timestamptz
);
create unique index operators_by_email on operators (email);

create table operator_roles (
    operator text not null references operators,
    account  text not null references accounts,
    role     text not null,
    primary key (account, operator)
);

create table operator_invitations (
    digest     text        primary key,
    account    text        not null references accounts,
    role       text        not null,
    email      text,  -- null: whoever opens it first, on a new installation
    resets     boolean     not null default false,  -- whether it gives somebody who is known another password
    created    timestamptz not null,
    expires_at timestamptz not null
);

create table operator_sessions (
    digest    text        primary key,
    operator  text        not null references operators,
    created   timestamptz not null,
    seen      timestamptz not null,
    address   text        not null,
    agent     text        not null,
    confirmed boolean     not null  -- whether the second factor was given, where there is one
);
create index operator_sessions_by_operator on operator_sessions (operator);

create unlogged table sign_in_failures (
    address text        not null,
    at      timestamptz not null
);
create index sign_in_failures_by_address on sign_in_failures (address, at);

-- Who did what, when and from where. Each entry holds the hash of the one before it.
create table audit_entries (
    account  text        not null references accounts,
    number   bigint      not null,
    at       timestamptz not null,
    operator text,
    who      text        not null,
    action   text        not null,
    about    text,
    details  jsonb       not null default '{}',
    address  text        not null,
    previous bytea       not null,
    hash     bytea       not null,
    primary key (account, number)
);
