"""What pages show of what services say: words, times, badges and cards; pure."""
