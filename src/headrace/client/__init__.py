"""A client of a headrace server. `front` has it; `headrace.Client` is where programs get it."""
