"""What is linked to leaving, and how strongly?"""
