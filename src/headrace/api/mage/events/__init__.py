"""Events and event matchers, as Mage's clients ask for them."""
