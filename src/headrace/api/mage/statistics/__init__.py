"""Statistics that Mage's page of monitoring shows."""
