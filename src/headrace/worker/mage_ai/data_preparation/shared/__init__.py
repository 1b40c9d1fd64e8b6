"""What blocks share: secrets."""
