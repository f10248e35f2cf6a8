"""Every route of the scheduler: what operators and services may ask, and how it is checked."""
