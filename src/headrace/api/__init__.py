"""HTTP: what headrace can do, for programs and people elsewhere. Each dialect is an application of its own."""
