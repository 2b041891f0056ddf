"""Shapes of payment method options: of payments, set-ups, and the settings of invoices and subscriptions."""
