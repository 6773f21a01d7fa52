"""From a file to pixels with axes: readers, metadata, planes, mosaics, registration and previews."""
