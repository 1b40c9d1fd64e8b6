"""What commands look at and act on, behind a server: a file for each noun, in the values that `here` answers in."""
