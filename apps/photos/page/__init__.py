"""The page in which photos are enhanced, and the one that asks for the token."""
