"""Answers to what somebody asks about records, while they wait; nothing is written anywhere."""
