"""What is kept of the live view.

capture, burst    photos, and several frames as one with less noise
recording         video
gallery           the last shots;  feedback: what people said about them
"""
