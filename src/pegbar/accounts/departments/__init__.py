"""Departments: who is in them, their software licences and their hardware."""
