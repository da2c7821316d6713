"""Measurements: what gates cost, and what the published runs give here."""
