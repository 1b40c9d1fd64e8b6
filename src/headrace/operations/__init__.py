"""What headrace can do, one function a deed. The command line calls these, and whatever else speaks to headrace will."""
