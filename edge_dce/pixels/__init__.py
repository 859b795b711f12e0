"""Arrays in, arrays out: no files, no models, no cameras.

curve, look                 the formula, and what a user may change of it
curve_table, denoising      both applied at full size, fast, in strips on several threads (strips, buffers)
shrinking, levels           what a network sees of a picture
smoothing                   curves from frame to frame, without flicker
baselines, metrics          gamma and CLAHE to compare with; PSNR and SSIM to compare by
"""
