"""The services that the scheduler asks over HTTP, a file each."""
