"""`python -m keras_l0` is `keras-l0`."""

from keras_l0.cli.main import run

if __name__ == "__main__":
    run()
