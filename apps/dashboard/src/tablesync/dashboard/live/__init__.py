"""Live updates: what topics say changed is read anew and sent to the tabs that show it."""
