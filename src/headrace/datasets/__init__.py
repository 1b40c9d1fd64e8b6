"""Named tables with versions, in Delta Lake: read and written by steps, each version known by the run that made it."""
