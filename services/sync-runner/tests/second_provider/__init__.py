"""A provider that only tests know, unlike HubSpot in all that a source may be unlike it in.

Each shop has a host of its own. It says what it refuses in answers with 200, its tokens end by no
clock, a call costs points of which what it did not need is given back, only so many calls are
answered at once, an export of all records takes a while, and no record can be read by its id.
"""
