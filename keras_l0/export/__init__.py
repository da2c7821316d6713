"""Writes models for other programs: SavedModel and LiteRT."""

from keras_l0.export.litert import export_litert
from keras_l0.export.result import ExportResult
from keras_l0.export.saved_model import export_saved_model

__all__ = ["ExportResult", "export_litert", "export_saved_model"]
