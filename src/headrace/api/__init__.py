"""HTTP: `server` puts the applications together, `gate` lets callers in, `bodies` bounds what they send."""
