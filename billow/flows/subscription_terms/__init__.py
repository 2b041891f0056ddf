"""Read the terms of subscriptions: items, dates, trials, schedules of billing."""
