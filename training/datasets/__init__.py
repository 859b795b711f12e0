"""Sets of pictures to learn from: what they look like on disk, how they are mixed, and what is held out of them."""
