"""The worker's side: files become stacks, attributes, series and verdicts.

Only this package reaches imaging, attributes and spc.
"""
