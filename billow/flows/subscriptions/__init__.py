"""Create, renew, cancel, pause and resume subscriptions."""
