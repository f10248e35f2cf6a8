"""HTTP: the clients that services ask with, and all that their own APIs have in common."""
