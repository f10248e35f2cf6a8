"""The life of a grant: handed out, refreshed, judged, ended."""
