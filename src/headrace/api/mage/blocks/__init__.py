"""Blocks of pipelines, as Mage's clients ask for them."""
