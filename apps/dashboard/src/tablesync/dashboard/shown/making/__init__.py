"""What the pages that make and look into a sync show: fields, suggestions, cells."""
