"""What tabs are sent while they are open, for each page that changes by itself."""
