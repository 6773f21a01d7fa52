"""Figures as plain dictionaries and SVG text: no plotting library, no colours, no database."""
