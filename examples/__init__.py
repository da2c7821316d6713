"""Programs that show keras_l0 at work."""
