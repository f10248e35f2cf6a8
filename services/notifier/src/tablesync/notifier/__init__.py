"""Opens and closes incidents and mails about them, once."""
