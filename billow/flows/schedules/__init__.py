"""Plan subscriptions in phases, and begin each phase when it is due."""
