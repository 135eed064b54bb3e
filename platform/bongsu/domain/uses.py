"""What a model may be made for: the closed list of use classes."""

from __future__ import annotations

from enum import StrEnum


class UseClass(StrEnum):
    """Every pipeline and model version states one. Lethal autonomy is no class and cannot be declared."""

    ADMINISTRATION = "administration"
    OPERATIONAL_PLANNING_SUPPORT = "operational-planning-support"
    PREDICTIVE_MAINTENANCE = "predictive-maintenance"
    SIGNAL_ANALYSIS = "signal-analysis"
    LOGISTICS_RESUPPLY = "logistics-resupply"
    TRANSLATION_AND_DOCUMENTS = "translation-and-documents"
    CYBER_DEFENCE = "cyber-defence"
    MEDICAL_SUPPORT = "medical-support"
    TRAINING_AND_SIMULATION = "training-and-simulation"
