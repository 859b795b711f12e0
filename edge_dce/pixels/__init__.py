"""Arrays in, arrays out: no files, no models, no cameras.

curve, tone, look           the formulas of models, and what a user may change of their result
curve_table, tone_table     both applied at full size, fast, in strips on several threads
strips, buffers             which it takes, and wide_look_up
denoising                   noise that was amplified, smoothed away
shrinking, levels           what a network sees of a picture
smoothing                   estimates from frame to frame, without flicker
baselines, metrics          gamma and CLAHE to compare with; PSNR and SSIM to compare by
"""
