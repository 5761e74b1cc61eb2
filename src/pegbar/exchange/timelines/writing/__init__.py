"""Cuts that leave: shots and previews of a production as OTIO, EDL or Final Cut Pro 7 XML.

Each format is a pure function of a `WrittenCut`, in a file of its own; `formats.py` lists them.
"""
