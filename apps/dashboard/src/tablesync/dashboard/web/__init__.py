"""What every page needs: templates, sessions, forms and headers."""
