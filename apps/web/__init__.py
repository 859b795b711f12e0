"""A page that enhances camera and photos in the browser itself, for any static host: docs/browser.md.

page/      the page; what it runs the network with, LiteRT.js, comes from npm (package.json, package-lock.json)
building   puts both, a model and the camera app's shader into one folder
"""
