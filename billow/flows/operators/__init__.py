"""Let people work in the dashboard: who they are, what they may, and what they did."""
