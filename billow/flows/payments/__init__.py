"""Take money, refund it, and retry what failed."""
