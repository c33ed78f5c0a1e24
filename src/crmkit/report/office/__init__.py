"""What consultants take away: slides, a document, a mail; all from the records of finished reports."""
