"""Composition root: settings, environment, queue, urls and the embedded services. Imports everyone; nobody imports it."""
