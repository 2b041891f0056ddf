"""Billow: a self-hosted cloud billing system that speaks Stripe's API."""
