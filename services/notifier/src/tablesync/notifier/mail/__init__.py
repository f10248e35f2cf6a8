"""From an incident to a mail that was sent: planned, worded, rendered, delivered."""
