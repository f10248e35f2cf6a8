"""The control API: how scripts and tests play the people, the providers' moods and the truth."""
