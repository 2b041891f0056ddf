"""What is shown to people: pages with an address, without an API key."""
