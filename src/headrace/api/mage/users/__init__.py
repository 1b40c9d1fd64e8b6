"""Users, their roles and permissions, and the tokens they have."""
