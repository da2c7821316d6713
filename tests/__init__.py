"""Tests; the test of keras_l0/x/y.py is tests/x/y_test.py."""
