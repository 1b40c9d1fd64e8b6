"""The lines of each attempt: where they lie, how they are bounded, masked and read.

A log is a file of JSON documents, one a line (`lines.Line`). The supervisor writes it from the raw bytes of a worker's
pipes (`writing.AttemptLog`); the command line and the server read it, also while it grows: one attempt's (`reading`), or
all of a run's together, as pages (`merging`) of the lines that are wanted (`choice`). `growth` tells when there is more.
"""
