"""The report as one HTML page."""

from keras_l0.report.html.page import to_html

__all__ = ["to_html"]
