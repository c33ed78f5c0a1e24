"""How is a result shown? Figures, tables, boxes and findings, as safe HTML and as plain text; nothing is estimated here."""
