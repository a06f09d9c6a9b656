"""The subcommands of ``detutils``: for each one function that adds its arguments, and one that runs it."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

import detutils
from detutils.cli.anchors import add_anchors
from detutils.cli.convert import add_convert
from detutils.cli.demo import add_demo
from detutils.cli.evaluate import add_evaluate
from detutils.cli.machine import add_version, add_warmup
from detutils.cli.propose import add_propose
from detutils.cli.rcnn import add_detect, add_train
from detutils.cli.terminal import say, was_interrupted


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # odd file names must not end a batch
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.exit(2, parser.format_help())
    try:
        code: int = options.run(options)
        if sys.stdout is not None:  # as it is where the shell closed it
            sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (OSError, ValueError, TypeError, MemoryError, ImportError) as error:
        if was_interrupted(error):
            raise
        say(f"detutils {options.command}: error: {str(error) or type(error).__name__}")
        return 2


def build_parser() -> argparse.ArgumentParser:
    """The parser of every subcommand."""
    parser = argparse.ArgumentParser(
        prog="detutils",
        description="Object detection without torch: proposals, anchors, boxes, evaluation, pictures.",
    )
    parser.add_argument("--version", action="version", version=f"detutils {detutils.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    every = (
        add_demo, add_propose, add_anchors, add_train, add_detect, add_convert, add_evaluate, add_warmup, add_version
    )
    for add in every:
        add(commands)
    return parser
