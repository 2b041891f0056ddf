"""Measure how the business goes, and answer the questions of billow/reports."""
