"""Search for blocks of the project, as Mage's box for adding one asks for them."""
