"""Order mails, remember which were sent, and which addresses send them back."""
