"""A run as an Argo Workflow: as it would be submitted, and as its engine would tell of it. Nothing here speaks to Argo."""
