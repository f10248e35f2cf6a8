"""What a workspace tells of itself: its people, what they did, and what went wrong."""
