"""Pipelines, as Mage's clients ask for them."""
