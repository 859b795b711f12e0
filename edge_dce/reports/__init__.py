"""Figures for people: tables as text and Markdown (table), and HTML files for the workshop (page, with Jinja2)."""
