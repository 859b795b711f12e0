"""What is kept of the live view: photos, several frames as one with less noise, video, and what people said of them."""
