"""Programs run as operators run them."""
