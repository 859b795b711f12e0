"""What a person sees and touches: the window, the live view on the GPU, the controls, and how they look (camera.kv)."""
