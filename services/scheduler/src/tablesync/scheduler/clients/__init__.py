"""The services that the scheduler asks over HTTP, one file for each."""
