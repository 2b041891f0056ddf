-- What events show is packed by the program: PostgreSQL does not compress it again. What is stored is kept as plain JSON.
alter table events alter column data type bytea using convert_to(data::text, 'UTF8');
alter table events alter column data set storage external;
