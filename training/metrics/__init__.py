"""Figures of enhanced pictures, beside those that the device measures itself (`edge_dce.pixels.metrics`).

registry         every metric by name: what it measures, against what, and how tables show it
side_effects     what brightening does besides: order, noise, clipping, hue
lpips, niqe      two of the papers' metrics, which need files that others publish
weights          where such files are looked for
"""
