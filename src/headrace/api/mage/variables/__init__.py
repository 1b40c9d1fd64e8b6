"""Variables of pipelines, and what their blocks left behind."""
