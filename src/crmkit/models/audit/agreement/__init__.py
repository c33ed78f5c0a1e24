"""How far can ratings by several people be trusted? Agreement, consistency, and who rates too kindly."""

from crmkit.models.audit.agreement.alpha import LEVELS, Alpha, alpha_parts, krippendorff_alpha
from crmkit.models.audit.agreement.content import content_validity, critical_essential
from crmkit.models.audit.agreement.intraclass import FORMS, icc
from crmkit.models.audit.agreement.kappa import Kappa, cohen_kappa
from crmkit.models.audit.agreement.leniency import leniency
from crmkit.models.audit.agreement.paired import Paired, paired_difference

__all__ = [
    "FORMS",
    "LEVELS",
    "Alpha",
    "Kappa",
    "Paired",
    "alpha_parts",
    "cohen_kappa",
    "content_validity",
    "critical_essential",
    "icc",
    "krippendorff_alpha",
    "leniency",
    "paired_difference",
]
