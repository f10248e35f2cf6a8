"""What every TableSync service is built with."""
