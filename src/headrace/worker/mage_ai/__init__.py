"""What user code imports as `mage_ai`; `headrace.worker.offered` serves it under that name."""
