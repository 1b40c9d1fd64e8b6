"""Triggers, which Mage calls pipeline schedules, as its clients ask for them."""
