"""The services that the notifier asks over HTTP, a file each."""
