"""Values and decisions: the standard library only, no input or output, no clock."""
