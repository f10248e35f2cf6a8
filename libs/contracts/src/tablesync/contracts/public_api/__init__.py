"""The bodies of `/v1`: what people, and programs on their behalf, ask of services and are told.

A service's routes answer with them and `tablesync.client` reads them. Answers only grow: a reader
ignores members it does not know, and shows a name that it does not know as it is.
"""
