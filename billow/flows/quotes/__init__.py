"""Create quotes, and turn accepted ones into invoices, subscriptions or schedules."""
