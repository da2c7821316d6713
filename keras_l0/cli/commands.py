"""The commands, by name."""

from keras_l0.cli import compare
from keras_l0.cli import export
from keras_l0.cli import inspect
from keras_l0.cli import latency
from keras_l0.cli import strip
from keras_l0.cli.command import Command

COMMANDS: dict[str, Command] = {
    module.COMMAND.name: module.COMMAND
    for module in (inspect, strip, export, compare, latency)
}
