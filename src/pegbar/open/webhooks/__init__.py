"""Webhooks: events sent to other servers as they happen, and messages that other programs post here.

Events are handed out to webhooks in the order of their commits (`handing_out.py`), each as a row of its own, and those
rows are sent (`sending.py`) until their receiver took them. Both is a duty of every job worker; the database says whose
turn it is. Source: issue 13, 4.
"""
