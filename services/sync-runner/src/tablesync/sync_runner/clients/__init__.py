"""The services that sync-runner asks over HTTP, a file each."""
