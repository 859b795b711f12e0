"""What the folder holds as it is: the page, its style, scripts and icons."""
