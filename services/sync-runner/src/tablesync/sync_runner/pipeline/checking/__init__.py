"""A check of everything: what no pass over changes can see, found and mended."""
