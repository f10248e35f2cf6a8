"""What the scheduler does by itself, over and over."""
