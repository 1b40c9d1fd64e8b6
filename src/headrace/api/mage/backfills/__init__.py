"""Backfills, as Mage's clients ask for them."""
