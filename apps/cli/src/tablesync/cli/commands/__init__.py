"""What can be typed after `tablesync`: one module for each kind of thing."""
