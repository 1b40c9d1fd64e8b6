"""Tags of the project's pipelines and triggers, and those that were written down by themselves."""
