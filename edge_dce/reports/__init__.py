"""Figures for people: tables as text, Markdown and HTML (table); the frame of every HTML file (page)."""
