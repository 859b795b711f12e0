"""What a person sees and touches.

app, screen                       the window; what each control does
preview, shader, packing          the live view on the GPU
controls, settings_view, gallery_view, camera.kv      how it looks
framing, histogram, icons, texts  what of it needs no Kivy
"""
