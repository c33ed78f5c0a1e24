"""How does the company judge itself? The form, what came back, and the template that asks for it."""

from crmkit.analyses.audit.form.answers import ROLES, Answers, read_answers
from crmkit.analyses.audit.form.scores import form_items, form_scores, raters, standard_scores
from crmkit.analyses.audit.form.standards import Form, Item, Standard, load_form
from crmkit.analyses.audit.form.template import calendar, cycle_of, next_cycles, template

__all__ = [
    "ROLES",
    "Answers",
    "Form",
    "Item",
    "Standard",
    "calendar",
    "cycle_of",
    "form_items",
    "form_scores",
    "load_form",
    "next_cycles",
    "raters",
    "read_answers",
    "standard_scores",
    "template",
]
