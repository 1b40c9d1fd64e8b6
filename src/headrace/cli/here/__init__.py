"""What commands look at and act on, in a home here: a file for each noun. `there` has the same of a server."""
