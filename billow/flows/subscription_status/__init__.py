"""Change the status of a subscription, and end it."""
