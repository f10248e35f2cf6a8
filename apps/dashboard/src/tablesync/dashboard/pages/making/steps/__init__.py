"""The steps of the wizard."""
