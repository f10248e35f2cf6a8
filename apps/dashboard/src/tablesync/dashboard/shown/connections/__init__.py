"""What of a connection matters now: its state in words, and what somebody can do."""
