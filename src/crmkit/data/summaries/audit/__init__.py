"""What do the audit's indicators need of a client's rows?"""
