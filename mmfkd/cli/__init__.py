"""The commands of mmfkd, one module each, imported when it is asked for."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from mmfkd.version import __version__

from .errors import FLAG, readable_errors

COMMANDS = dict(
    train='Train a baseline, a teacher or a distilled student.',
    test='Test a student of a checkpoint.',
    predict='Predict files without labels.',
    fuse='Write the images that a fusion network makes of the pairs of a data set.',
    demo='Show in the browser what a student, its teachers and its baseline predict.',
    export='Write a student as a plain mmseg or mmpretrain model.',
    cache='Compute and keep what a teacher says of each view of the training samples.',
    benchmark='Train and report a table of pairs, methods and seeds.',
    recommend='Say which methods are worth a run on a pair.',
    tune='Search the weights of a method on validation.',
    prepare='Check or extract the files of a data set.',
    analyze='Measure and draw features, costs and predictions.',
    compose='Write the config of a method on a pair of modalities.',
    env='Print the installed versions that matter, and judge them.')


def main(argv: Sequence[str] | None = None) -> None:
    """Runs ``mmfkd COMMAND``; with ``--traceback`` every error shows where it was raised."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments == ['--version']:
        print(__version__)
        return
    with readable_errors(FLAG in arguments):
        dispatch('mmfkd', 'COMMAND', COMMANDS, __name__,
                 [argument for argument in arguments if argument != FLAG])


def dispatch(program: str, what: str, commands: Mapping[str, str], package: str,
             argv: Sequence[str] | None = None) -> None:
    """Runs the module of a package that the first argument names.

    Args:
        program: how the command is called, for its help.
        what: placeholder of the name in the help.
        commands: name to a sentence about it.
        package: holds a module of each name with ``main(argv)``.
        argv: arguments; None takes those of the process.

    Raises:
        SystemExit: no name or an unknown one is given, with exit code 2.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name, rest = (arguments[0], arguments[1:]) if arguments else ('', [])
    if name in commands:
        sys.exit(import_module(f'{package}.{name}').main(rest))
    width = max(map(len, commands))
    lines = [f'usage: {program} {what} [options]', '',
             *(f'  {key:{width}}  {text}' for key, text in commands.items()), '',
             f'{program} {what} --help shows the options; {FLAG} shows where an error was raised.']
    if name in ('-h', '--help'):
        print('\n'.join(lines))
        return
    problem = f"{program}: there is no {what.lower()} '{name}'\n\n" if name else ''
    print(problem + '\n'.join(lines), file=sys.stderr)
    sys.exit(2)
