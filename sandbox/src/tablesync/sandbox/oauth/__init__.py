"""What the OAuth servers of all providers share."""
