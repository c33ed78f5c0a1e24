"""How does the company judge itself? The form, what came back, and the template that asks for it."""

from crmkit.analyses.audit.form.answers import ROLES, Answers, read_answers
from crmkit.analyses.audit.form.questions import (
    Form,
    Item,
    Standard,
    blank_form,
    calendar,
    cycle_of,
    load_form,
    next_cycles,
    template,
)
from crmkit.analyses.audit.form.scores import form_items, form_scores, raters, standard_scores

__all__ = [
    "ROLES",
    "Answers",
    "Form",
    "Item",
    "Standard",
    "blank_form",
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
